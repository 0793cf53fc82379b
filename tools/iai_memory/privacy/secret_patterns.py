"""Secrets recognised by their shape, as their issuers publish it.

Each shape names a kind, needles of which one stands in every match (a cheap look before the pattern
runs), and a pattern. Every pattern starts at a literal or at the edge of a run and every repetition
is bounded or possessive, so that no text takes more than linear time. A group called `secret` is
what goes; without one, the whole match goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from .patterns import Span, compiled, places

# The edge of a run, or just after an escaped line break or a terminal's colour code.
_AFTER_ESCAPE: Final = r"|(?<=\\[nrt])|(?<=[0-9\[]m)"
_START: Final = r"(?:(?<![A-Za-z0-9])" + _AFTER_ESCAPE + ")"
_NOT_IN_BASE64: Final = r"(?<![A-Za-z0-9+/])"
_RUN_START: Final = r"(?:(?<![A-Za-z0-9_-])" + _AFTER_ESCAPE + ")"

_GITLAB_KINDS: Final = (
    *("pat", "ptt", "dt", "rt", "cbt", "agent", "imt", "ft", "soat", "oas", "ffct", "wt"),
)
_SIDEKIQ: Final = (
    r"(?i)(?:contribsys__com\W{0,8}(?P<secret>[a-f0-9]{8}:[a-f0-9]{8})"
    r"|(?<=://)[a-f0-9]{8}:[a-f0-9]{8}(?=@(?:gems|enterprise)\.contribsys\.com))"
)
_LONG_RUN: Final = r"[A-Za-z0-9_.-]{50}"
_LONG_NUMBER: Final = r"[0-9]{15}"

# What can hold a shape: none has a blank or a quote in it, and none is shorter.
_WORD: Final = r"[^\s\"'`]{12,}+"


class Shape(NamedTuple):
    """One kind of secret."""

    kind: str
    needles: tuple[str, ...]
    pattern: str
    gate: str = ""
    """A pattern that finds something in every text with a match; for needles that many have."""
    anywhere: bool = False
    """Whether a match may begin before its needle."""


SHAPES: Final[tuple[Shape, ...]] = (
    Shape("age_key", ("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    Shape("airtable_token", ("pat",), _START + r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}", gate=_LONG_RUN),
    Shape("alibaba_key", ("LTAI",), _START + r"LTAI[A-Za-z0-9]{16,26}(?![A-Za-z0-9])"),
    Shape("anthropic_key", ("sk-ant-",), r"sk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_-]{20,200}"),
    Shape("appsync_key", ("da2-",), _START + r"da2-[a-z0-9]{26}(?![a-z0-9])"),
    Shape("atlassian_token", ("ATATT3", "ATCTT3"), r"AT[AC]TT3[A-Za-z0-9_=-]{60,400}"),
    Shape(
        "aws_access_key",
        ("AKIA", "ASIA", "ABIA", "ACCA", "A3T"),
        _START + r"A(?:KIA|SIA|BIA|CCA|3T[A-Z0-9])[A-Z2-7]{16}(?![A-Za-z0-9])",
    ),
    Shape("aws_bedrock_key", ("ABSK",), _START + r"ABSK[A-Za-z0-9+/]{100,300}={0,2}"),
    Shape("aws_mws_key", ("amzn.mws.",), r"amzn\.mws\.[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"),
    Shape(
        "aws_session_token",
        ("FwoGZXIvYXdz", "IQoJb3JpZ2lu"),
        r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=]{80,4000}",
    ),
    Shape("aws_signature", ("X-Amz-Signature=",), r"X-Amz-Signature=(?P<secret>[a-f0-9]{64})"),
    Shape(
        "azure_client_secret",
        ("Q~",),
        _START + r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}",
        anywhere=True,
    ),
    Shape(
        "azure_sas",
        ("sig=",),
        r"(?<=[?&;])sig=(?P<secret>[A-Za-z0-9%+/]{40,120}={0,2})",
    ),
    Shape("bitbucket_http_token", ("BBDC-",), _START + r"BBDC-[A-Za-z0-9+/]{40,50}"),
    Shape("bitbucket_token", ("ATBB", "ATCTT"), _START + r"ATBB[A-Za-z0-9_=-]{28,}"),
    Shape(
        "braintree_token",
        ("access_token$",),
        r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
    ),
    Shape("brevo_key", ("xkeysib-",), r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    Shape("buildkite_token", ("bkua_",), r"bkua_[a-f0-9]{40}"),
    Shape(
        "circleci_token", ("CCIPAT_", "CCIPRJ_"), r"CCIP(?:AT|RJ)_[A-Za-z0-9]{16,32}_[a-f0-9]{40}"
    ),
    Shape("clojars_token", ("CLOJARS_",), r"CLOJARS_[a-f0-9]{60}"),
    Shape("cloudflare_ca_key", ("v1.0-",), r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}"),
    Shape("contentful_token", ("CFPAT-",), r"CFPAT-[A-Za-z0-9_-]{43}"),
    Shape("databricks_token", ("dapi",), _START + r"dapi[a-f0-9]{32}(?:-\d)?"),
    Shape("digitalocean_token", ("_v1_",), r"do[opr]_v1_[a-f0-9]{64}", anywhere=True),
    Shape(
        "discord_token",
        ("M", "N", "O"),
        _RUN_START + r"[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}",
        gate=_LONG_RUN,
    ),
    Shape(
        "discord_webhook",
        ("/api/webhooks/",),
        r"discord(?:app)?\.com/api/webhooks/\d{15,22}/(?P<secret>[A-Za-z0-9_-]{40,100})",
        anywhere=True,
    ),
    Shape("docker_swarm_token", ("SWMTKN-1-",), r"SWMTKN-1-[a-z0-9]{40,60}-[a-z0-9]{20,30}"),
    Shape("docker_token", ("dckr_",), r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{24,60}"),
    Shape("doppler_token", ("dp.",), r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,64}"),
    Shape("dropbox_token", ("sl.",), _START + r"sl\.(?:u\.)?[A-Za-z0-9_-]{100,2000}"),
    Shape("dynatrace_token", ("dt0",), _START + r"dt0[a-z]\d{2}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}"),
    Shape("facebook_token", ("EAA",), _NOT_IN_BASE64 + r"EAA[A-Za-z0-9]{90,400}"),
    Shape("figma_token", ("figd_",), r"figd_[A-Za-z0-9_-]{40}"),
    Shape("fly_token", ("fo1_", "fm1", "fm2_"), r"(?:fo1_|fm1[ar]_|fm2_)[A-Za-z0-9+/=_-]{40,2000}"),
    Shape("github_app_token", ("ghs_",), _START + r"ghs_\d{4,20}_eyJ[A-Za-z0-9_.-]{40,2000}"),
    Shape("github_fine_grained", ("github_pat_",), r"github_pat_[A-Za-z0-9_]{22,255}"),
    Shape(
        "github_token",
        ("gho_", "ghp_", "ghr_", "ghs_", "ghu_"),
        _START + r"gh[oprsu]_[A-Za-z0-9]{36,255}",
    ),
    Shape("gitlab_runner_token", ("GR1348941",), _START + r"GR1348941[A-Za-z0-9_-]{20}"),
    Shape(
        "gitlab_token",
        tuple(f"gl{kind}-" for kind in _GITLAB_KINDS),
        _START + rf"gl(?:{'|'.join(_GITLAB_KINDS)})-[A-Za-z0-9_.-]{{20,300}}",
    ),
    Shape("google_api_key", ("AIza",), _START + r"AIza[A-Za-z0-9_-]{35}"),
    Shape("google_oauth_access", ("ya29.",), r"ya29\.[A-Za-z0-9_.-]{20,2000}"),
    Shape("google_oauth_secret", ("GOCSPX-",), r"GOCSPX-[A-Za-z0-9_-]{28}"),
    Shape("google_refresh_token", ("1//0",), r"(?<![\w/])1//0[A-Za-z0-9_-]{40,200}"),
    Shape(
        "grafana_token",
        ("glsa_", "glc_"),
        r"(?:glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_[A-Za-z0-9+/=_-]{32,400})",
    ),
    Shape("groq_key", ("gsk_",), _START + r"gsk_[A-Za-z0-9]{40,80}"),
    Shape("heroku_key", ("HRKU-",), r"HRKU-[A-Za-z0-9_-]{30,80}"),
    Shape("huggingface_token", ("hf_", "api_org_"), _START + r"(?:hf|api_org)_[A-Za-z0-9]{34,40}"),
    Shape("jfrog_key", ("AKCp",), _NOT_IN_BASE64 + r"AKCp[A-Za-z0-9]{60,80}"),
    Shape(
        "jwt",
        ("eyJ",),
        _RUN_START + r"eyJ[A-Za-z0-9_-]{8,}+\.(?:[A-Za-z0-9_-]{8,}+|)"
        r"\.(?:[A-Za-z0-9_-]{10,}+|(?<=[A-Za-z0-9_-]{16}\.))"
        r"(?:\.[A-Za-z0-9_-]{8,}+){0,2}",
    ),
    Shape("langsmith_key", ("lsv2_",), r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    Shape("linear_key", ("lin_",), r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}"),
    Shape("llamacloud_key", ("llx-",), _START + r"llx-[A-Za-z0-9]{40,60}"),
    Shape("mailchimp_key", ("-us",), _START + r"[a-f0-9]{32}-us\d{1,2}(?!\d)", anywhere=True),
    Shape(
        "mailgun_dashed_key",
        ("-",),
        _START + r"[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}(?![a-f0-9-])",
        gate=_LONG_RUN,
        anywhere=True,
    ),
    Shape("mailgun_key", ("key-",), _START + r"key-[a-f0-9]{32}(?![a-f0-9])"),
    Shape("netlify_token", ("nfp_",), r"nfp_[A-Za-z0-9]{36,}"),
    Shape(
        "newrelic_key",
        ("NRAK-", "NRII-", "NRRA-", "NRIQ-"),
        r"NR(?:AK|II|RA|IQ)-[A-Za-z0-9_-]{27,40}",
    ),
    Shape(
        "nkey_seed",
        ("SA", "SC", "SN", "SO", "SU"),
        _START + r"S[ACNOU][A-Z2-7]{56}(?![A-Za-z0-9])",
        gate=_LONG_RUN,
    ),
    Shape(
        "notion_token",
        ("ntn_", "secret_"),
        _START + r"(?:ntn_[A-Za-z0-9]{40,60}|secret_[A-Za-z0-9]{43})",
    ),
    Shape("npm_token", ("npm_",), _START + r"npm_[A-Za-z0-9]{36}"),
    Shape("nuget_key", ("oy2",), _START + r"oy2[a-z0-9]{43}(?![a-z0-9])"),
    Shape("nylas_key", ("nyk_",), _START + r"nyk_(?:v\d_)?[A-Za-z0-9]{40,80}"),
    Shape("onepassword_token", ("ops_eyJ",), r"ops_eyJ[A-Za-z0-9+/=_-]{100,4000}"),
    Shape(
        "openai_key",
        ("sk-",),
        _RUN_START + r"sk-(?:(?:proj|svcacct|admin|service|None)-[A-Za-z0-9_-]{32,250}"
        r"|[A-Za-z0-9]{32,120})",
    ),
    Shape("openrouter_key", ("sk-or-",), r"sk-or-(?:v\d-)?[A-Za-z0-9]{40,80}"),
    Shape(
        "paseto",
        (".local.", ".public."),
        _START + r"v[1-4]\.(?:local|public)\.[A-Za-z0-9_-]{60,4000}",
        anywhere=True,
    ),
    Shape("perplexity_key", ("pplx-",), r"pplx-[A-Za-z0-9]{40,64}"),
    Shape("planetscale_token", ("pscale_",), r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}"),
    Shape("posthog_key", ("phx_",), _START + r"phx_[A-Za-z0-9]{40,60}"),
    Shape("postman_key", ("PMAK-",), r"PMAK-[a-fA-F0-9]{24}-[a-fA-F0-9]{34}"),
    Shape("pulumi_token", ("pul-",), _START + r"pul-[a-f0-9]{40}"),
    Shape("pypi_token", ("pypi-",), r"pypi-AgE[A-Za-z0-9_-]{50,1000}"),
    Shape("render_key", ("rnd_",), _START + r"rnd_[A-Za-z0-9]{28,40}"),
    Shape("replicate_token", ("r8_",), _START + r"r8_[A-Za-z0-9]{37,40}"),
    Shape("riot_key", ("RGAPI-",), r"RGAPI-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"),
    Shape("rubygems_key", ("rubygems_",), r"rubygems_[a-f0-9]{48}"),
    Shape("sendgrid_key", ("SG.",), _START + r"SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39,50}"),
    Shape("sentry_token", ("sntry",), r"sntry(?:u_[a-f0-9]{64}|s_[A-Za-z0-9+/=_-]{40,400})"),
    Shape("shopify_token", ("shp",), _START + r"shp(?:at|ca|pa|ss|tka)_[a-fA-F0-9]{32}"),
    Shape("slack_app_token", ("xapp-",), r"xapp-\d-[A-Z0-9]{8,14}-\d{10,15}-[a-f0-9]{60,70}"),
    Shape("slack_token", ("xox",), _START + r"xox[a-z](?:\.xox[bp])?-[A-Za-z0-9-]{24,250}"),
    Shape(
        "slack_webhook",
        ("hooks.slack.com/",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{24,120}",
    ),
    Shape("sonar_token", ("squ_", "sqp_", "sqa_"), _START + r"sq[upa]_[a-f0-9]{40}"),
    Shape("sourcegraph_token", ("sgp_",), _START + r"sgp_(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}"),
    Shape(
        "square_token",
        ("sq0", "EAAA"),
        _START + r"(?:sq0[a-z]{3}-[A-Za-z0-9_-]{22,60}|EAAA[A-Za-z0-9_-]{22,60}(?![A-Za-z0-9_-]))",
    ),
    Shape(
        "stripe_key",
        ("k_live_", "k_test_"),
        _START + r"[rs]k_(?:live|test)_[A-Za-z0-9]{10,250}",
        anywhere=True,
    ),
    Shape("stripe_webhook_secret", ("whsec_",), _START + r"whsec_[A-Za-z0-9+/]{30,64}={0,2}"),
    Shape(
        "supabase_token",
        ("sbp_", "sb_secret_"),
        r"(?:sbp_(?:v0_)?[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,60})",
    ),
    Shape("tailscale_key", ("tskey-",), r"tskey-[a-z]{2,12}-[A-Za-z0-9]{8,24}-[A-Za-z0-9]{20,64}"),
    Shape("tavily_key", ("tvly-",), r"tvly-[A-Za-z0-9-]{28,60}"),
    Shape(
        "telegram_token",
        (":A",),
        r"(?<![A-Za-z0-9:])\d{5,16}:A[A-Za-z0-9_-]{34}(?![A-Za-z0-9_-])",
        anywhere=True,
    ),
    Shape(
        "terraform_token",
        (".atlasv1.",),
        _START + r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,80}",
        anywhere=True,
    ),
    Shape("together_key", ("tgp_v1_",), r"tgp_v1_[A-Za-z0-9_-]{43}"),
    Shape("twilio_key", ("SK", "AC"), _START + r"(?:SK|AC)[a-f0-9]{32}(?![A-Za-z0-9])"),
    Shape(
        "twitter_bearer",
        ("AAAAAAAAAAAAAAAAAAAAA",),
        _NOT_IN_BASE64 + r"A{21,24}[A-Za-z0-9%]{60,140}",
    ),
    Shape("typeform_token", ("tfp_",), _START + r"tfp_[A-Za-z0-9_.=-]{40,60}"),
    Shape("vault_token", ("hvs.", "hvb.", "hvr."), _START + r"hv[sbr]\.[A-Za-z0-9_-]{24,300}"),
    Shape("vercel_token", ("vc",), _START + r"vc[pkiar]_[A-Za-z0-9]{50,60}"),
    Shape("wakatime_key", ("waka_",), _START + r"waka_[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"),
    Shape("xai_key", ("xai-",), _START + r"xai-[A-Za-z0-9]{70,100}"),
    Shape("adafruit_key", ("aio_",), _START + r"aio_[A-Za-z0-9]{28}(?![A-Za-z0-9])"),
    Shape("adobe_secret", ("p8e-",), _START + r"p8e-[A-Za-z0-9_-]{32}"),
    Shape(
        "jfrog_key",
        ("AKC", "AP"),
        _NOT_IN_BASE64
        + r"(?:AKC[A-Za-z0-9]{10,80}|AP[0-9A-F][A-Za-z0-9]{40,80})(?![A-Za-z0-9+/=])",
    ),
    Shape("jfrog_key", ("cmVmd",), _NOT_IN_BASE64 + r"cmVmd[A-Za-z0-9]{59}"),
    Shape(
        "asana_token",
        ("/",),
        _START + r"[0-9]/[0-9]{15,17}(?:/[0-9]{15,17})?:[a-f0-9]{32}",
        anywhere=True,
        gate=_LONG_NUMBER,
    ),
    Shape(
        "authress_key",
        ("sc_", "ext_", "scauth_", "authress_"),
        _START + r"(?:scauth|sc|ext|authress)_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc"
        r"[_-][A-Za-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120}",
    ),
    Shape(
        "aws_bedrock_key",
        ("bedrock-api-key-",),
        r"bedrock-api-key-[A-Za-z0-9+/=]{20,4000}",
    ),
    Shape("clickhouse_key", ("4b1d",), _START + r"4b1d[A-Za-z0-9]{38}(?![A-Za-z0-9])"),
    Shape("contribsys_login", ("contribsys", "CONTRIBSYS"), _SIDEKIQ, anywhere=True),
    Shape("defined_token", ("dnkey-",), r"dnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}"),
    Shape("duffel_token", ("duffel_",), r"duffel_(?:test|live)_[A-Za-z0-9_=-]{43}"),
    Shape("easypost_key", ("EZAK", "EZTK"), _START + r"EZ[AT]K[A-Za-z0-9]{54}"),
    Shape(
        "facebook_token",
        ("|", "%"),
        _START + r"\d{15,16}[|%][A-Za-z0-9_-]{27,40}",
        anywhere=True,
        gate=_LONG_NUMBER,
    ),
    Shape(
        "flutterwave_key",
        ("FLWSECK", "FLWPUBK"),
        r"FLW(?:SEC|PUB)K(?:_TEST)?-[A-Za-z0-9]{12,40}(?:-X)?",
    ),
    Shape("frameio_token", ("fio-u-",), r"fio-u-[A-Za-z0-9_=-]{64}"),
    Shape(
        "freemius_key",
        ("sk_",),
        r"[\"']secret_key[\"']\s{0,4}=>\s{0,4}[\"'](?P<secret>sk_\S{29})[\"']",
        anywhere=True,
    ),
    Shape("gitlab_session", ("_gitlab_session=",), r"_gitlab_session=(?P<secret>[a-f0-9A-Z]{32})"),
    Shape(
        "gocardless_token",
        ("live_",),
        _RUN_START + r"live_(?=(?:[^\d\s]{0,20}\d){3})[A-Za-z0-9_=-]{40}(?![A-Za-z0-9])",
    ),
    Shape("grafana_token", ("eyJrIjoi",), r"eyJrIjoi[A-Za-z0-9+/_-]{40,400}={0,3}"),
    Shape(
        "harness_key",
        ("pat.", "sat."),
        _START + r"[ps]at\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}",
    ),
    Shape(
        "hubspot_token",
        ("pat-",),
        _START + r"pat-(?:na|eu|ap)\d-[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}",
    ),
    Shape("infracost_key", ("ico-",), _START + r"ico-[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    Shape("intra42_secret", ("s-s4t2",), r"s-s4t2(?:ud|af)-[A-Fa-f0-9]{64}"),
    Shape("ionic_token", ("ion_",), _START + r"ion_[A-Za-z0-9]{42}"),
    Shape("jwt_in_base64", ("ZXlK",), _NOT_IN_BASE64 + r"ZXlK[A-Za-z0-9+/_-]{60,8000}={0,2}"),
    Shape(
        "langfuse_key",
        ("sk-lf-", "pk-lf-"),
        _START + r"[sp]k-lf-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    ),
    Shape(
        "launchdarkly_key",
        ("api-", "sdk-", "mob-"),
        _START + r"(?:api|sdk|mob)-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    ),
    Shape(
        "lob_key",
        ("live_", "test_"),
        _START + r"(?:live|test)_(?:pub_[a-f0-9]{31}|[a-f0-9]{35})(?![a-f0-9])",
    ),
    Shape("mailgun_key", ("pubkey-",), _START + r"pubkey-[a-f0-9]{32}"),
    Shape(
        "mapbox_token",
        ("pk.", "sk.", "tk."),
        _START + r"[pst]k\.[A-Za-z0-9_-]{50,120}\.[A-Za-z0-9_-]{22}",
    ),
    Shape(
        "maxmind_key",
        ("_mmk",),
        r"(?<![A-Za-z0-9_])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
        anywhere=True,
    ),
    Shape("newrelic_key", ("NRJS-",), r"NRJS-[a-f0-9]{19}"),
    Shape("nvidia_key", ("nvapi-",), r"nvapi-[A-Za-z0-9_-]{60,80}"),
    Shape("octopus_key", ("API-",), _RUN_START + r"API-[A-Z0-9]{25,27}(?![A-Za-z0-9])"),
    Shape(
        "onepassword_key",
        ("A3-",),
        _RUN_START + r"A3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){3,6}(?![A-Za-z0-9])",
    ),
    Shape("openshift_token", ("sha256~",), _START + r"sha256~[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    Shape(
        "plaid_token",
        ("access-",),
        _START
        + r"access-(?:sandbox|development|production)-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    ),
    Shape("prefect_key", ("pnu_", "pnb_"), _START + r"pn[ub]_[A-Za-z0-9]{36}"),
    Shape("readme_key", ("rdme_",), _START + r"rdme_[a-z0-9]{64,80}"),
    Shape(
        "resend_key", ("re_",), _START + r"re_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{20,32}(?![A-Za-z0-9])"
    ),
    Shape("scalingo_token", ("tk-us-",), _START + r"tk-us-[A-Za-z0-9_-]{48}"),
    Shape("sendgrid_key", ("SG.",), _START + r"SG\.[A-Za-z0-9=_.-]{66}"),
    Shape("settlemint_token", ("sm_",), _START + r"sm_[aps]at_[A-Za-z0-9]{16}(?![A-Za-z0-9])"),
    Shape("shippo_token", ("shippo_",), r"shippo_(?:live|test)_[A-Fa-f0-9]{40}"),
    Shape("slack_token", ("xoxe",), _START + r"xoxe(?:\.xox[bp])?-\d-[A-Za-z0-9]{100,170}"),
    Shape(
        "slack_token",
        ("xoxa-", "xoxb-", "xoxo-", "xoxr-", "xoxs-"),
        _START + r"xox(?:[bos]-\d{1,14}-[A-Za-z0-9-]{4,250}"
        r"|[ar]-(?:\d-)?(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{8,48})",
    ),
    Shape("stripe_key", ("k_prod_",), _START + r"[rs]k_prod_[A-Za-z0-9]{10,250}", anywhere=True),
    Shape(
        "teams_webhook",
        ("webhook.office.com",),
        r"webhook\.office\.com/webhookb2/(?P<secret>[A-Za-z0-9@-]{30,100}/IncomingWebhook/[A-Za-z0-9/-]{30,120})",
    ),
    Shape("twitch_token", ("oauth:",), _START + r"oauth:[a-z0-9]{30}(?![a-z0-9])"),
    Shape(
        "twitter_access_token",
        ("-",),
        _START + r"\d{15,20}-[A-Za-z0-9]{40}(?![A-Za-z0-9])",
        anywhere=True,
        gate=_LONG_NUMBER,
    ),
    Shape(
        "vault_token",
        ("s.",),
        r"s\.(?<![A-Za-z0-9_.\])]s\.)(?=[A-Za-z]{0,23}\d)(?=[a-z0-9]{0,23}[A-Z])[A-Za-z0-9]{24}(?![A-Za-z0-9(.])",
    ),
    Shape(
        "yandex_token",
        ("t1.", "AQVN"),
        _START
        + r"(?:t1\.[A-Za-z0-9_-]{4,400}={0,2}\.[A-Za-z0-9_-]{86}={0,2}|AQVN[A-Za-z0-9_-]{35,38})",
    ),
    Shape("yandex_token", ("YC",), _START + r"YC[A-Za-z0-9_-]{38}(?![A-Za-z0-9_-])"),
    Shape(
        "zapier_webhook",
        ("hooks.zapier.com/",),
        r"hooks\.zapier\.com/hooks/catch/(?P<secret>\d{4,10}/[A-Za-z0-9]{5,10})",
    ),
)

_NEEDLES: Final = tuple(
    (needle, number) for number, shape in enumerate(SHAPES) for needle in shape.needles
)

_GATES: Final = frozenset(shape.gate for shape in SHAPES)

_PLACEHOLDER: Final = r"(?i)x{5}|\*{3}|\.{3}|example$|(?-i:([01ab])\1{9})"


def secrets_of_known_shape(text: str) -> Iterator[Span]:
    """Yield what has one of the shapes and is no placeholder, in order of its start."""
    found: list[Span] = []
    words = "\n".join(compiled(_WORD).findall(text))
    # One flat look for all needles: a generator for each shape takes five times as long.
    near = dict.fromkeys(number for needle, number in _NEEDLES if needle in words)
    open_gates = {gate for gate in _GATES if not gate or compiled(gate).search(words)}
    for shape in (SHAPES[number] for number in near):
        if shape.gate not in open_gates:
            continue
        for match in _matches(shape, text):
            group = "secret" if match.re.groupindex and match["secret"] is not None else 0
            if not compiled(_PLACEHOLDER).search(match[group]):
                found.append((*match.span(group), shape.kind))
    yield from sorted(found, key=lambda span: (span[0], -span[1]))


def _matches(shape: Shape, text: str) -> Iterator[re.Match[str]]:
    pattern = compiled(shape.pattern)
    if shape.anywhere:
        yield from pattern.finditer(text)
        return
    done = 0
    for start in sorted({start for needle in shape.needles for start in places(text, needle)}):
        if start >= done and (match := pattern.match(text, start)) is not None:
            yield match
            done = match.end()

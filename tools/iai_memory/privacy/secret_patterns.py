"""Secrets recognised by their shape, as their issuers publish it.

Each shape names a kind, needles of which one stands in every match (a cheap look before the pattern
runs), and a pattern. Every pattern starts at a literal or at the edge of a run and every repetition
is bounded or possessive, so that no text takes more than linear time. A group called `secret` is
what goes; without one, the whole match goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from .patterns import Span, compiled

# The edge of a run, or just after an escaped line break or a terminal's colour code.
_AFTER_ESCAPE: Final = r"|(?<=\\[nrt])|(?<=[0-9\[]m)"
_START: Final = r"(?:(?<![A-Za-z0-9])" + _AFTER_ESCAPE + ")"
_NOT_IN_BASE64: Final = r"(?<![A-Za-z0-9+/])"
_RUN_START: Final = r"(?:(?<![A-Za-z0-9_-])" + _AFTER_ESCAPE + ")"

_GITLAB_KINDS: Final = (
    *("pat", "ptt", "dt", "rt", "cbt", "agent", "imt", "ft", "soat", "oas", "ffct", "wt"),
)
_LONG_RUN: Final = r"[A-Za-z0-9_.-]{50}"


class Shape(NamedTuple):
    """One kind of secret."""

    kind: str
    needles: tuple[str, ...]
    pattern: str
    is_long: bool = False
    """Whether every match has a run of `_LONG_RUN`; of needles that many texts have."""


SHAPES: Final[tuple[Shape, ...]] = (
    Shape("age_key", ("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    Shape("airtable_token", ("pat",), _START + r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}", is_long=True),
    Shape("alibaba_key", ("LTAI",), _START + r"LTAI[A-Za-z0-9]{16,26}(?![A-Za-z0-9])"),
    Shape("anthropic_key", ("sk-ant-",), r"sk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_-]{20,200}"),
    Shape("appsync_key", ("da2-",), _START + r"da2-[a-z0-9]{26}(?![a-z0-9])"),
    Shape("atlassian_token", ("ATATT3", "ATCTT3"), r"AT[AC]TT3[A-Za-z0-9_=-]{60,400}"),
    Shape(
        "aws_access_key",
        ("AKIA", "ASIA", "ABIA", "ACCA"),
        _START + r"A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}(?![A-Za-z0-9])",
    ),
    Shape("aws_bedrock_key", ("ABSK",), _START + r"ABSK[A-Za-z0-9+/]{100,300}={0,2}"),
    Shape("aws_mws_key", ("amzn.mws.",), r"amzn\.mws\.[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"),
    Shape(
        "aws_session_token",
        ("FwoGZXIvYXdz", "IQoJb3JpZ2lu"),
        r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=]{80,4000}",
    ),
    Shape("aws_signature", ("X-Amz-Signature=",), r"X-Amz-Signature=(?P<secret>[a-f0-9]{64})"),
    Shape("azure_client_secret", ("Q~",), _START + r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),
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
    Shape("digitalocean_token", ("_v1_",), r"do[opr]_v1_[a-f0-9]{64}"),
    Shape(
        "discord_token",
        ("M", "N", "O"),
        _RUN_START + r"[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}",
        is_long=True,
    ),
    Shape(
        "discord_webhook",
        ("/api/webhooks/",),
        r"discord(?:app)?\.com/api/webhooks/\d{15,22}/(?P<secret>[A-Za-z0-9_-]{40,100})",
    ),
    Shape("docker_swarm_token", ("SWMTKN-1-",), r"SWMTKN-1-[a-z0-9]{40,60}-[a-z0-9]{20,30}"),
    Shape("docker_token", ("dckr_",), r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{24,60}"),
    Shape("doppler_token", ("dp.",), r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,64}"),
    Shape("dropbox_token", ("sl.",), _START + r"sl\.(?:u\.)?[A-Za-z0-9_-]{100,2000}"),
    Shape("dynatrace_token", ("dt0",), _START + r"dt0[a-z]\d{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
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
        r"(?:glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_eyJ[A-Za-z0-9+/=_-]{30,400})",
    ),
    Shape("groq_key", ("gsk_",), _START + r"gsk_[A-Za-z0-9]{40,80}"),
    Shape("heroku_key", ("HRKU-",), r"HRKU-[A-Za-z0-9_-]{30,80}"),
    Shape("huggingface_token", ("hf_", "api_org_"), _START + r"(?:hf|api_org)_[A-Za-z0-9]{34,40}"),
    Shape("jfrog_key", ("AKCp",), _NOT_IN_BASE64 + r"AKCp[A-Za-z0-9]{60,80}"),
    Shape(
        "jwt",
        ("eyJ",),
        _RUN_START + r"eyJ[A-Za-z0-9_-]{8,}+\.(?:[A-Za-z0-9_-]{8,}+|)\.[A-Za-z0-9_-]{10,}+"
        r"(?:\.[A-Za-z0-9_-]{8,}+){0,2}",
    ),
    Shape("langsmith_key", ("lsv2_",), r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    Shape("linear_key", ("lin_",), r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}"),
    Shape("llamacloud_key", ("llx-",), _START + r"llx-[A-Za-z0-9]{40,60}"),
    Shape("mailchimp_key", ("-us",), _START + r"[a-f0-9]{32}-us\d{1,2}(?!\d)"),
    Shape(
        "mailgun_dashed_key",
        ("-",),
        _START + r"[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}(?![a-f0-9-])",
        is_long=True,
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
        is_long=True,
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
        _START + r"(?:sq0[a-z]{3}-[A-Za-z0-9_-]{22,60}|EAAA[A-Za-z0-9_-]{60})",
    ),
    Shape(
        "stripe_key", ("k_live_", "k_test_"), _START + r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,250}"
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
        (":AA",),
        r"(?<![A-Za-z0-9:])\d{8,11}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])",
    ),
    Shape(
        "terraform_token",
        (".atlasv1.",),
        _START + r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,80}",
    ),
    Shape("together_key", ("tgp_v1_",), r"tgp_v1_[A-Za-z0-9_-]{43}"),
    Shape("twilio_key", ("SK",), _START + r"SK[a-f0-9]{32}(?![A-Za-z0-9])"),
    Shape(
        "twitter_bearer",
        ("AAAAAAAAAAAAAAAAAAAAA",),
        _NOT_IN_BASE64 + r"A{21,24}[A-Za-z0-9%]{60,140}",
    ),
    Shape("typeform_token", ("tfp_",), _START + r"tfp_[A-Za-z0-9_]{40,60}"),
    Shape("vault_token", ("hvs.", "hvb.", "hvr."), _START + r"hv[sbr]\.[A-Za-z0-9_-]{24,300}"),
    Shape("vercel_token", ("vc",), _START + r"vc[pkiar]_[A-Za-z0-9]{50,60}"),
    Shape("wakatime_key", ("waka_",), _START + r"waka_[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"),
    Shape("xai_key", ("xai-",), _START + r"xai-[A-Za-z0-9]{70,100}"),
)

_NEEDLES: Final = tuple(
    (needle, number) for number, shape in enumerate(SHAPES) for needle in shape.needles
)

_PLACEHOLDER: Final = r"(?i)x{5}|\*{3}|\.{3}|example$|([^A])\1{9}"


def secrets_of_known_shape(text: str) -> Iterator[Span]:
    """Yield what has one of the shapes and is no placeholder, in order of its start."""
    found: list[Span] = []
    # One flat look for all needles: a generator for each shape takes five times as long.
    near = [number for needle, number in _NEEDLES if needle in text]
    has_run = compiled(_LONG_RUN).search(text) is not None
    for shape in (SHAPES[number] for number in dict.fromkeys(near)):
        if shape.is_long and not has_run:
            continue
        for match in compiled(shape.pattern).finditer(text):
            group = "secret" if "secret" in match.re.groupindex else 0
            if not compiled(_PLACEHOLDER).search(match[group]):
                found.append((*match.span(group), shape.kind))
    yield from sorted(found, key=lambda span: (span[0], -span[1]))

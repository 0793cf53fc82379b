"""Texts in which one is to be found again: long ones, other languages, names in code."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SEED = 20261123


@dataclass(frozen=True, slots=True)
class Case:
    """A query and the text it is after.

    Attributes:
        group: What makes it hard.
        query: What is asked.
        right: Number of the text that answers.
    """

    group: str
    query: str
    right: int


@dataclass(frozen=True, slots=True)
class KnownItems:
    """Texts that share one store, and what is asked of them."""

    name: str
    texts: list[str]
    cases: list[Case]


_NEEDLES = (
    (
        "The {adjective} {thing} from {town} was insured for {number} thousand crowns.",
        "How much is the {adjective} {thing} from {town} insured for?",
    ),
    (
        "In {town} the {adjective} {thing} is stored on shelf {number} behind the stairs.",
        "On which shelf in {town} is the {adjective} {thing}?",
    ),
    (
        "After the flood in {town}, {name} restored the {adjective} {thing} within {number} days.",
        "Who restored the {adjective} {thing} after the flood in {town}?",
    ),
    (
        "{name} promised {town} a {adjective} {thing} in exchange for {number} barrels of oil.",
        "What did {name} promise to {town}?",
    ),
    (
        "Customs in {town} opened the crate with the {adjective} {thing} and found {number} coins.",
        "What did customs find beside the {adjective} {thing} in {town}?",
    ),
)
_FILLERS = (
    "The committee of {town} met again and could not agree on the order of the day.",
    "{name} read the letter aloud, and nobody in the room asked a question.",
    "It had been raining for {number} days, which was usual for that part of the coast.",
    "A photograph of the {thing} was printed in the local paper.",
    "There is a longer account of this in the archive of {town}.",
    "Most visitors came for the view and left before noon.",
    "The bill for the repairs was split among {number} neighbours.",
    "{name} preferred to wait, and in the end that turned out to be cheaper.",
    "A second {thing} was mentioned, though no list of the time contains it.",
    "The road to {town} was closed because of a landslide.",
    "On the third page somebody had crossed out a name and written {name} above it.",
    "The museum keeps a {adjective} copy that is shown once a year.",
    "Nothing in the accounts explains where the money for that came from.",
    "{name} and a cousin opened a workshop, first for clocks and later for radios.",
    "The harbour master counted {number} boats that evening.",
    "What followed was a quiet winter with little to report.",
    "The school in {town} closed early so that everybody could help.",
    "They replaced the roof, the floor and {number} of the windows.",
)
_SLOTS: dict[str, tuple[str, ...]] = {
    "adjective": (
        *("copper", "wooden", "broken", "gilded", "enamelled", "foldable"),
        *("striped", "hollow", "miniature", "woven", "rusty", "porcelain"),
    ),
    "thing": (
        *("barometer", "weather vane", "music box", "sextant", "chandelier", "rocking horse"),
        *("sundial", "birdcage", "telescope", "samovar", "accordion", "globe"),
    ),
    "town": (
        *("Varnholm", "Eastmere", "Pelgrove", "Saltby", "Korvik", "Lindau Hill"),
        *("Brackwater", "Otterden", "Marsten", "Quarrytown", "Fennick", "Dunmoor"),
    ),
    "name": (
        *("Agnes Pohl", "Victor Hale", "Rosa Lindt", "Emil Saar", "Clara Finch", "Otto Brandis"),
        *("Lydia Marsh", "Jasper Crane", "Irma Vogel", "Silas Byrne"),
    ),
}
_SENTENCE_TOKENS = 14  # of the encoder, a low average over the sentences above
_FOUND_BY_HALF = "half a sentence"


def long_texts(seed: int = SEED, *, each: int = 24) -> KnownItems:
    """Prose, code and stack traces of 300 to 2,000 tokens, with an early and a late place each."""
    draw = random.Random(seed)
    texts: list[str] = []
    cases: list[Case] = []
    for maker in (_prose, _code, _trace):
        used: set[str] = set()
        for _ in range(each):
            text, asked = maker(draw, used)
            cases += [Case(group, query, len(texts)) for group, query in asked]
            texts.append(text)
    return KnownItems("long texts", texts, cases)


def multilingual() -> KnownItems:
    """Short texts of many languages: asked in a sentence, by words, without accents, decomposed."""
    path = Path(__file__).with_name("known_item_multilingual.txt")
    texts: list[str] = []
    cases: list[Case] = []
    language = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            language = line.removeprefix("# ")
            continue
        text, *queries = line.split(" | ")
        cases += [Case(language, query, len(texts)) for query in queries]
        decomposed = unicodedata.normalize("NFD", queries[0])
        if decomposed != queries[0]:
            cases.append(Case("decomposed accents", decomposed, len(texts)))
        texts.append(text)
    return KnownItems("multilingual", texts, cases)


_MENTIONS = (
    "Please have a look at {id} before the review.",
    "We talked about {id} in the call and left it as it is.",
    "I changed {id} yesterday, tell me if anything looks odd.",
    "The ticket about {id} can be closed.",
    "{id} came up again, see the thread.",
)
_SNAKE = (
    *("retry_backoff_seconds", "retry_budget_tokens", "max_batch_seconds", "max_batch_tokens"),
    *("ledger_flush_interval", "ledger_open_mode", "tenant_cache_size", "tenant_open_files"),
    *("session_drain_limit", "session_cache_mode", "parse_invoice_header", "parse_ledger_footer"),
)
_CAMEL = (
    *("InvoiceReconciler", "InvoicePrinter", "LedgerReconciler", "TenantRouterFactory"),
    *("SessionRouter", "HttpRequestParser", "XMLHttpBridge", "PaymentGatewayClient"),
    *("paymentRetryQueue", "openFileHandle", "IndexShardLocator", "ShardedIndexWriter"),
)
_PATHS = (
    *("services/billing/src/ledger_writer.rs", "services/billing/tests/ledger_reader.rs"),
    *("web/components/InvoiceTable.tsx", "web/pages/tenant/settings.tsx"),
    *("deploy/helm/values-staging.yaml", "deploy/helm/values-production.yaml"),
    *("/etc/nginx/conf.d/gateway.conf", "/var/log/postgresql/slow.log"),
    *("C:\\Users\\build\\agent\\run.cmd", "docs/adr/0017-event-sourcing.md"),
)
_VERSIONS = (
    *("v2.14.3-rc1", "v2.14.4", "3.0.0-beta.2", "2024.11.2", "1.9.27", "1.9.28"),
    *("openssl-3.0.13", "numpy==1.26.4", "node@20.11.1", "k8s 1.29.3"),
)
_CODES = (
    *("ERR_TLS_CERT_ALTNAME_INVALID", "ERR_STREAM_PREMATURE_CLOSE", "ORA-00942", "ORA-01555"),
    *("E0382", "E0499", "TS2345", "TS2322", "HTTP 418", "HTTP 507", "0x80070005", "SIGSEGV"),
    *("CVE-2021-44228", "CVE-2022-22965", "PROJ-1234", "PROJ-2341"),
)
_PARTS = {
    "retry_backoff_seconds": ("backoff", "retry backoff"),
    "retry_budget_tokens": ("retry budget",),
    "max_batch_seconds": ("batch seconds",),
    "ledger_flush_interval": ("flush interval", "ledger flush"),
    "tenant_cache_size": ("tenant cache",),
    "session_drain_limit": ("drain",),
    "parse_invoice_header": ("invoice header", "parse invoice"),
    "InvoiceReconciler": ("invoice reconciler",),
    "InvoicePrinter": ("printer",),
    "TenantRouterFactory": ("router factory", "tenant router"),
    "XMLHttpBridge": ("http bridge", "bridge"),
    "PaymentGatewayClient": ("gateway client",),
    "paymentRetryQueue": ("retry queue", "payment retry"),
    "IndexShardLocator": ("locator", "shard locator"),
    "services/billing/src/ledger_writer.rs": ("ledger_writer.rs", "billing ledger writer"),
    "services/billing/tests/ledger_reader.rs": ("ledger_reader", "billing/tests"),
    "web/components/InvoiceTable.tsx": ("InvoiceTable.tsx", "components"),
    "deploy/helm/values-staging.yaml": ("values-staging", "helm staging"),
    "/etc/nginx/conf.d/gateway.conf": ("gateway.conf", "nginx"),
    "C:\\Users\\build\\agent\\run.cmd": ("run.cmd", "build agent"),
    "docs/adr/0017-event-sourcing.md": ("event sourcing", "0017"),
    "v2.14.3-rc1": ("2.14.3",),
    "3.0.0-beta.2": ("3.0.0",),
    "numpy==1.26.4": ("numpy", "1.26.4"),
    "openssl-3.0.13": ("openssl",),
    "ERR_TLS_CERT_ALTNAME_INVALID": ("altname", "tls cert"),
    "ERR_STREAM_PREMATURE_CLOSE": ("premature close",),
    "ORA-00942": ("00942",),
    "CVE-2021-44228": ("44228",),
    "PROJ-1234": ("1234",),
}


def identifiers(seed: int = SEED) -> KnownItems:
    """Names, paths, versions and codes in sentences that say nothing else."""
    draw = random.Random(seed)
    sorts = {
        "snake_case": _SNAKE,
        "CamelCase": _CAMEL,
        "path": _PATHS,
        "version": _VERSIONS,
        "error code": _CODES,
    }
    texts: list[str] = []
    cases: list[Case] = []
    for sort, names in sorts.items():
        for name in names:
            cases.append(Case(f"{sort}, whole", name, len(texts)))
            cases += [Case(f"{sort}, part", part, len(texts)) for part in _PARTS.get(name, ())]
            texts.append(draw.choice(_MENTIONS).format(id=name))
    return KnownItems("identifiers", texts, cases)


_SAID: Mapping[str, tuple[str, ...]] = {
    "getUserById": ("get user by ID", "get user by id"),
    "parseConfig": ("parse config",),
    "fetch_order_lines": ("fetch order lines",),
    "OAuth2Client": ("oauth2 client", "oauth 2 client"),
    "MAX_RETRY_COUNT": ("max retry count",),
    "k8sDeployJob": ("k8s deploy job",),
    "S3UploadClient": ("s3 upload client",),
    "readFileSync": ("read file sync",),
    "tsconfig.build.json": ("ts config",),
    "docker-compose.override.yml": ("docker compose override",),
    "render_page_header": ("render page header",),
    "useSessionState": ("use session state",),
    "HTTPServerError": ("http server error",),
    "IPv6Address": ("ipv6 address",),
    "send_welcome_mail": ("send welcome mail",),
    "TokenBucketLimiter": ("token bucket limiter",),
    "e2eTestRunner": ("e2e test runner",),
    "utf8Decoder": ("utf8 decoder", "utf 8 decoder"),
    "list_open_invoices": ("list open invoices",),
    "isFeatureEnabled": ("is feature enabled",),
}
_SAME_WORDS = (
    "The {first} of the {second} was discussed, and {last} came up too.",
    "{last} first, then {second}: we {first} whatever is left over.",
    "About {first} and {second}, nobody knows; {last} is fine.",
)
_SAYING = ("what changed in {}?", "{}", "what do I know about {}")


def said_names() -> KnownItems:
    """Names of code that a question says in words, among texts with the same words apart."""
    texts = [f"Since the last release {name} needs another argument." for name in _SAID]
    cases: list[Case] = []
    for right, forms in enumerate(_SAID.values()):
        for form in forms:
            words = form.split()
            parts = {"first": words[0], "second": words[1], "last": words[-1]}
            texts += [template.format(**parts) for template in _SAME_WORDS]
            cases += [Case("said in words", asked.format(form), right) for asked in _SAYING]
    # Of two forms one text may be told twice; nothing is looked for there.
    return KnownItems("names of code, said in words", list(dict.fromkeys(texts)), cases)


Made = tuple[str, list[tuple[str, str]]]


def _prose(draw: random.Random, used: set[str]) -> Made:
    count = draw.randint(340, 1_800) // _SENTENCE_TOKENS
    sentences = [_filled(draw, draw.choice(_FILLERS)) for _ in range(count)]
    asked: list[tuple[str, str]] = []
    early = draw.randrange(0, max(1, count // 10))
    late = draw.randrange(max(count * 6 // 10, min(count - 1, 300 // _SENTENCE_TOKENS + 1)), count)
    for place, at in (("early", early), ("late", late)):
        sentence, question = _needle(draw, used)
        sentences[at] = sentence
        asked.append((f"prose, {place}: a question", question))
        words = sentence.split()
        asked.append((f"prose, {place}: {_FOUND_BY_HALF}", " ".join(words[: len(words) // 2])))
    return " ".join(sentences), asked


def _needle(draw: random.Random, used: set[str]) -> tuple[str, str]:
    while True:
        sentence, question = draw.choice(_NEEDLES)
        words = _words(draw)
        # Neither the same question nor the same half a sentence may fit two places.
        marks = {question.format(**words), " ".join(sentence.format(**words).split()[:5])}
        if not marks & used:
            used |= marks
            return sentence.format(**words), question.format(**words)


def _words(draw: random.Random) -> dict[str, str]:
    words = {name: draw.choice(pool) for name, pool in _SLOTS.items()}
    return words | {"number": str(draw.randrange(3, 90))}


def _filled(draw: random.Random, template: str) -> str:
    return template.format(**_words(draw))


_VERBS = (
    *("archive", "merge", "validate", "encrypt", "rotate", "translate"),
    *("compress", "schedule", "reconcile", "throttle", "anonymise", "render"),
)
_NOUNS = (
    *("invoices", "tenants", "sessions", "ledgers", "thumbnails", "webhooks"),
    *("shipments", "coupons", "avatars", "audit logs", "mailboxes", "price lists"),
)
_MANNERS = (
    *("after a retry", "in parallel", "by country", "without locking", "before midnight"),
    *("per region", "from a queue", "with a checksum"),
)


def _code(draw: random.Random, used: set[str]) -> Made:
    count = draw.randint(8, 25)
    places = {draw.randrange(0, 2): "early", draw.randrange(count * 6 // 10 + 1, count): "late"}
    parts: list[str] = ['"""Helpers of the back office."""', "import logging", ""]
    asked: list[tuple[str, str]] = []
    for number in range(count):
        verb, noun, manner = _function(draw, used)
        name = f"{verb}_{noun}_{manner}".replace(" ", "_")
        parts += [
            f"def {name}(items, limit={draw.randrange(10, 500)}):",
            f'    """{verb.capitalize()} {noun} {manner}."""',
            "    done = []",
            "    for item in items[:limit]:",
            f"        done.append(item.{draw.choice(('run', 'load', 'save', 'check'))}())",
            f'    logging.info("%s done", len(done) + {draw.randrange(1000)})',
            "    return done",
            "",
        ]
        if number in places:
            query = f"function to {verb} {noun} {manner}"
            asked += [
                (f"code, {places[number]}: what it does", query),
                (f"code, {places[number]}: its name", name),
            ]
    return "\n".join(parts), asked


def _function(draw: random.Random, used: set[str]) -> tuple[str, str, str]:
    while True:
        verb, noun, manner = draw.choice(_VERBS), draw.choice(_NOUNS), draw.choice(_MANNERS)
        if (key := f"{verb} {noun} {manner}") not in used:
            used.add(key)
            return verb, noun, manner


_ERRORS = (
    *("TimeoutError", "KeyError", "PermissionError", "UnicodeDecodeError", "ConnectionResetError"),
    *("ZeroDivisionError", "RecursionError", "BrokenPipeError"),
)


def _trace(draw: random.Random, used: set[str]) -> Made:
    count = draw.randint(9, 42)
    frames = [_function(draw, used) for _ in range(count)]
    lines = [
        f"Job {draw.randrange(10_000)} failed, see below.",
        "Traceback (most recent call last):",
    ]
    for verb, noun, manner in frames:
        module, name = noun.replace(" ", "_"), f"{verb}_{noun}_{manner}".replace(" ", "_")
        lines += [
            f'  File "app/{module}/{verb}.py", line {draw.randrange(10, 900)}, in {name}',
            f"    return self.{draw.choice(('step', 'inner', 'client'))}.call(request)",
        ]
    error, key = draw.choice(_ERRORS), f"{draw.choice(_NOUNS)} {draw.randrange(1_000, 9_999)}"
    lines.append(f"{error}: could not finish {key}")
    verb, noun, manner = frames[0]
    return "\n".join(lines), [
        ("stack trace, early: a frame", f"traceback through {verb} {noun} {manner}"),
        ("stack trace, late: its error", f"{error} could not finish {key}"),
    ]


def all_sets(seed: int = SEED) -> Iterator[KnownItems]:
    """Each set, for a store of its own."""
    yield long_texts(seed)
    yield multilingual()
    yield identifiers(seed)
    yield said_names()


_FACTS: Sequence[str] = (
    "We deploy on Thursdays after lunch.",
    "The linter runs before every commit.",
    "Migrations are reviewed by two people.",
    "Feature flags live in a YAML file.",
    "The staging database is wiped every Sunday.",
    "Logs are kept for thirty days.",
    "Tests must not touch the network.",
    "Releases are tagged by the build server.",
    "Secrets come from the vault, never from files.",
    "The public interface is frozen until spring.",
    "Error messages are written in plain English.",
    "Every screenshot in the docs is made by a script.",
    "Pull requests stay under four hundred lines.",
    "The on-call rota changes on Mondays.",
    "Large files go to the object store.",
    "Timestamps are stored in UTC.",
)
_FACT_QUERIES: Sequence[str] = (
    "when do we deploy",
    "what runs before a commit",
    "who reviews migrations",
    "where are the feature flags",
    "what happens to the staging database",
    "how long do we keep logs",
    "may tests use the network",
    "who tags releases",
    "where do secrets come from",
    "until when is the public interface frozen",
    "language of error messages",
    "how are screenshots made",
    "size limit of pull requests",
    "when does the on-call rota change",
    "where do large files go",
    "time zone of timestamps",
)


def shared_facts() -> list[tuple[str, str]]:
    """Sentences that hold in every project alike, each with a query for it."""
    return list(zip(_FACTS, _FACT_QUERIES, strict=True))

"""Swedish, Danish, Norwegian, Finnish."""

from __future__ import annotations

from typing import Final

from .pieces import TimeWords

SWEDISH: Final = TimeWords(
    before=r"på|i|under|den|det|för|från|av|om",
    before_month=r"i|under",
    last=r"förra|senaste|sista",
    this=r"denna|den här|det här",
    since=r"sedan|från och med",
    until=r"till|fram till",
    after=r"efter",
    ahead=r"före|innan",
    between=(r"mellan|från", r"och|till|-|\u2013"),
    recent=r"(?:de )?(?:senaste|sista)",
    several=r"dagarna|veckorna|månaderna|timmarna",
    weekend=r"helgen?",
    today=r"i (?:morse|kväll|eftermiddag)",
    last_night=r"igår kväll|i går kväll|i natt",
    numbers="en två tre fyra fem sex sju åtta nio tio",
    few=(("några", 5), ("ett par", 3)),
    week_number=r"vecka",
    quarter=r"kvartalet",
    last_session=(
        r"(?:den )?(?:förra|sista|senaste) gången|sist|nyligen|häromdagen"
        r"|var (?:slutade|stannade|var) (?:vi|jag)|(?:förra|senaste) (?:sessionen|samtalet)"
    ),
    topicless=(
        "vad vilka vilken vilket vem var när hur varför vi jag du ni oss mig min vår gjorde gjort "
        "göra gör har hade är blev det den de en ett på i av om med till från för och eller "
        "jobbade jobbat jobba arbetade arbetat arbeta hände hänt pratade pratat prata sa sade "
        "diskuterade diskuterat bestämde klart färdigt höll allt saker dag dagar tid sessioner "
        "session samtal då sedan sist senast"
    ),
)

DANISH: Final = TimeWords(
    before=r"på|i|under|den|det|for|fra|af|om",
    before_month=r"i|under",
    last=r"sidste|forrige",
    this=r"denne|dette",
    since=r"siden|fra og med",
    until=r"til|indtil",
    after=r"efter",
    ahead=r"før",
    between=(r"mellem|fra", r"og|til|-|\u2013"),
    recent=r"(?:de )?(?:seneste|sidste)",
    several=r"dage|uger|måneder|timer",
    weekend=r"weekenden?",
    numbers="en to tre fire fem seks syv otte ni ti",
    few=(("et par", 3), ("nogle", 5)),
    week_number=r"uge",
    quarter=r"kvartal",
    last_session=(
        r"sidste gang|sidst|for nylig|forleden|hvor (?:slap|stoppede|var|kom) (?:vi|jeg)(?: til)?"
        r"|(?:den )?sidste (?:session|samtale)"
    ),
    topicless=(
        "hvad hvilke hvilken hvem hvor hvornår hvordan hvorfor vi jeg du os mig min vores gjorde "
        "gjort gøre lavede lavet lave har havde er var blev det den de en et på i af om med til "
        "fra for og eller arbejdede arbejdet arbejde skete sket talte talt snakkede sagde "
        "diskuterede besluttede færdig alt ting dag dage tid sessioner session samtale da så sidst"
    ),
)

NORWEGIAN: Final = TimeWords(
    before=r"på|i|under|den|det|for|fra|av|om",
    before_month=r"i|under",
    last=r"sist|siste|forrige",
    this=r"denne|dette",
    since=r"siden|fra og med",
    until=r"til|inntil",
    after=r"etter",
    ahead=r"før",
    between=(r"mellom|fra", r"og|til|-|\u2013"),
    recent=r"(?:de )?siste",
    several=r"dagene|ukene|månedene|timene",
    weekend=r"helgen?|helga",
    other_phrases=(("1 day ago", "i går"), ("0 day ago", "i dag")),
    numbers="en to tre fire fem seks sju åtte ni ti",
    few=(("et par", 3), ("noen", 5)),
    week_number=r"uke",
    quarter=r"kvartal",
    last_session=(
        r"(?:forrige|siste) gang|sist|nylig|her om dagen|hvor (?:slapp|stoppet|var|kom) (?:vi|jeg)"
        r"(?: til)?|(?:den )?(?:siste|forrige) (?:økten|samtalen)"
    ),
    topicless=(
        "hva hvilke hvilken hvem hvor når hvordan hvorfor vi jeg du dere oss meg min vår gjorde "
        "gjort gjøre har hadde er var ble det den de en et på i av om med til fra for og eller "
        "jobbet jobba jobbe arbeidet arbeide skjedde skjedd snakket snakka sa diskuterte bestemte "
        "ferdig alt ting dag dager tid økter økt samtale da så sist"
    ),
)

FINNISH: Final = TimeWords(
    last=r"viime",
    this=r"tämän|tällä",
    since=r"lähtien|alkaen",
    recent=r"viimeisten|viimeisen",
    weekend=r"viikonloppuna",
    numbers="yksi kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän kymmenen",
    last_session=r"viime kerralla|viimeksi|äskettäin|hiljattain|mihin (?:me )?jäimme",
    topicless=(
        "mitä mikä mitkä missä milloin miten miksi kuka me minä sinä te teimme tein teit tehtiin "
        "tehty tehdä olemme olen oli on olivat ollut tapahtui tapahtunut puhuimme puhuttiin "
        "keskustelimme työskentelimme työstimme sanoimme saimme valmiiksi päätimme ja tai se ne "
        "asiat asioita päivä aika istunto"
    ),
)

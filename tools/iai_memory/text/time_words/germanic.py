"""English, German, Dutch and the languages of the north."""

from __future__ import annotations

from typing import Final

from .pieces import TimeWords

ENGLISH: Final = TimeWords(
    before=r"on|at|in|during|of|from|for|over|within|the|by|back",
    before_month=r"in|during|of|from|throughout|early|late",
    last=r"last|past|previous",
    this=r"this",
    since=r"(?:ever )?since|starting(?: from| on)?",
    until=r"until|till?|up to",
    after=r"after",
    ahead=r"before",
    between=(r"between|from", r"and|to|until|till|-|\u2013"),
    recent=r"(?:the )?(?:last|past|previous)",
    recent_one=r"(?:in|over|during|within|for|from) the (?:last|past)|(?:the )?past",
    several=r"days|weeks|months|hours",
    day_before=r"(?:the )?day before",
    day_after=r"(?:the )?day after",
    first_of=r"(?:the )?(?:first|1st) day of",
    last_of=r"(?:the )?last day of",
    first_week=r"(?:(?:in|during|over) )?(?:the )?first week (?:of|in)",
    last_week=r"(?:(?:in|during|over) )?(?:the )?last week (?:of|in)",
    weekend=r"weekend",
    today=r"(?:earlier|later) today|this (?:morning|afternoon|evening)|tonight|so far today",
    last_night=r"last night|yesterday (?:morning|afternoon|evening|night)",
    other_phrases=(
        ("2 day ago", "the day before yesterday"),
        ("0 week ago", "the current week"),
        ("2 week ago", "the week before last"),
        ("2 week ago", "week before last"),
        ("2 week ago", "a fortnight ago"),
    ),
    short_weekdays=r"mon|tues?|wed|thu(?:rs?)?|fri|sat|sun",
    ordinals=r"st|nd|rd|th",
    of=r"of|,",
    numbers="one two three four five six seven eight nine ten",
    few=(("few", 5), ("couple of", 3), ("couple", 3), ("several", 7)),
    week_number=r"(?:calendar )?week|cw",
    quarter=r"quarter",
    last_session=(
        r"(?:the )?last time|recently|lately|the other day"
        r"|where (?:are|were) (?:we|i)(?! \w)"
        r"|what (?:did|have|had) (?:we|i|you) (?:just |last )(?:do|done|worked? on|discuss(?:ed)?)"
        r"|what (?:was|were|am|are) (?:we|i|you) (?:just )?(?:doing|working on|busy with|up to|at)"
        r"(?: last| before| just now)?(?! \w)|where (?:did|do|had|have|were|was) (?:we|i|you) "
        r"(?:leave|leav|left|stop|stopped|end|ended|get|got)(?: (?:it|off|things|up|to))*"
        r"|where we (?:left|stopped|ended)(?: (?:it|off|things|up))*"
        r"|(?:what|where|how)(?:['\u2019]s| is| was| are| were)? (?:the |we |i )*"
        r"(?:latest|newest|most recent|up to)(?: (?:thing|things|news|state|status|work|progress))?"
        r"(?! \w)"
        r"|(?:the |our |my )?(?:last|latest|previous|most recent) (?:session|conversation|chat)"
        r"|pick(?:ing)? up where|catch me up|what['\u2019]?s new(?! \w)"
    ),
    topicless=(
        "what which who where when how why did do does done doing we i you us me my our your it "
        "they was were is are be been am being have had has will would could can may might shall "
        "should the a an on at in of from for to by with about up off out and or any some all "
        "that this these those there here thing things stuff work works worked working happen "
        "happens happened happening go goes went going get gets got busy talk talked talking "
        "discuss discussed discussing say said tell told ask asked speak spoke achieve achieved "
        "accomplish accomplished finish finished complete completed spend spent time day days "
        "session sessions conversation conversations chat chats list show give remind recap "
        "summarize summarise summary overview please back again exactly so far new else "
        "everything anything something actually just then during last latest recent recently "
        "morning afternoon evening night noon midday early late later earlier "
        "continue carry resume pick leave left stop stopped end ended start started begin began "
        "progress made make cover covered touch touched change changed changes decide decided "
        "s t ll re ve d im whats"
    ),
)

GERMAN: Final = TimeWords(
    before=r"am|an|im|in|vom|von|der|den|dem|die|das|des|zu|zum|während|über|für",
    before_month=r"im|vom|des|von|anfang|mitte|ende",
    last=r"letzte[nrms]?|vergangene[nrms]?|vorige[nrms]?",
    this=r"diese[nrms]?",
    since=r"seit(?: dem)?|ab(?: dem)?",
    until=r"bis(?: zum)?",
    after=r"nach(?: dem)?",
    ahead=r"vor dem",
    between=(r"zwischen|vo[nm]", r"und|bis(?: zum)?|-|\u2013"),
    recent=r"(?:den |die |der )?(?:letzten|vergangenen|vorigen)",
    several=r"tage|tagen|wochen|monate|monaten|stunden",
    day_before=r"(?:am |den )?tag(?:e)? vor(?: dem)?",
    day_after=r"(?:am |den )?tag(?:e)? nach(?: dem)?",
    first_of=r"(?:am |den )?ersten tag(?:e)?(?: des| im| von)?",
    last_of=r"(?:am |den )?letzten tag(?:e)?(?: des| im| von)?",
    first_week=r"(?:der |die )?ersten? woche (?:im|des|von)",
    last_week=r"(?:in )?(?:der |die )?letzten? woche (?:im|des|von)",
    weekend=r"wochenende",
    today=r"heute (?:morgen|früh|vormittag|nachmittag|abend|nacht)",
    last_night=r"gestern (?:morgen|früh|vormittag|nachmittag|abend|nacht)|letzte nacht",
    other_phrases=(
        ("0 week ago", "dieser woche"),
        ("2 week ago", "vorletzte woche"),
        ("2 week ago", "vorletzter woche"),
        ("2 week ago", "vorletzten woche"),
        ("2 month ago", "vorletzten monat"),
        ("1 week ago", "letzter woche"),
        ("1 week ago", "letzten woche"),
        ("1 week ago", "vergangene woche"),
        ("1 week ago", "vergangenen woche"),
        ("1 week ago", "vorige woche"),
        ("1 week ago", "vorigen woche"),
        ("0 month ago", "diesem monat"),
        ("1 month ago", "vergangenen monat"),
        ("1 month ago", "vorigen monat"),
        ("0 year ago", "diesem jahr"),
        ("1 year ago", "letzten jahr"),
        ("1 year ago", "vergangenen jahr"),
    ),
    short_weekdays=r"mo|di|mi|do|fr|sa|so",
    ordinals=r"\.",
    of=r"",
    numbers="einem zwei drei vier fünf sechs sieben acht neun zehn",
    few=(("ein paar", 5), ("paar", 5), ("einigen", 5)),
    week_number=r"kw|kalenderwoche|woche",
    quarter=r"quartal",
    last_session=(
        r"(?:das )?letzte(?:s)? mal|beim letzten mal|zuletzt|neulich|kürzlich"
        r"|in (?:der )?letzte[nr] zeit|woran (?:war|waren|bin|sind) (?:ich|wir)(?: gerade)?(?! \w)"
        r"|wo (?:haben|sind|hatten|waren) (?:wir|ich) (?:zuletzt )?"
        r"(?:aufgehört|stehen ?geblieben|stehengeblieben)"
        r"|was (?:ist|war|gibt es|gibt's) (?:das )?(?:neueste[sn]?|neues|letzte)(?! \w)"
        r"|(?:die |der |den )?letzten? (?:sitzung|gespräch|unterhaltung)"
    ),
    topicless=(
        "was welche welcher welches wer wo wann wie warum haben habe hat hatten hatte wir ich du "
        "ihr uns mir mich mein unser war waren ist sind sein wurde wurden werden wird der die das "
        "den dem des ein eine einen einem am an im in auf von vom zu zum mit über bei für "
        "und oder alles gemacht machen macht machten gearbeitet arbeiten arbeiteten passiert "
        "passierte geschehen geschah los gesprochen sprachen besprochen geredet redeten gesagt "
        "sagte erledigt geschafft getan taten tun beschäftigt dran woran daran worum ging "
        "morgen früh vormittag mittag nachmittag abend nacht uhr weiter weitermachen "
        "aufgehört stehen geblieben stehengeblieben angefangen gerade fertig geworden lief "
        "getrieben sache sachen dinge tag tage zeit sitzung sitzungen gespräch zeig zeige "
        "mal noch denn eigentlich genau so bitte alles etwas neues neueste letzte zuletzt "
        "entschieden beschlossen"
    ),
)

DUTCH: Final = TimeWords(
    before=r"op|in|tijdens|van|de|het|voor|gedurende|om",
    before_month=r"in|van",
    last=r"afgelopen|vorige?|laatste",
    this=r"deze|dit",
    since=r"sinds|vanaf",
    until=r"tot(?: en met)?",
    after=r"na",
    ahead=r"voor",
    between=(r"tussen|van", r"en|tot(?: en met)?|-|\u2013"),
    recent=r"(?:de )?(?:afgelopen|laatste|voorbije)",
    several=r"dagen|weken|maanden|uren",
    day_before=r"(?:de )?dag vó?ó?o?o?r",
    day_after=r"(?:de )?dag na",
    first_of=r"(?:de )?eerste dag van",
    last_of=r"(?:de )?laatste dag van",
    weekend=r"weekend",
    today=r"van(?:morgen|ochtend|middag|avond)",
    last_night=r"gister(?:en)?(?:ochtend|middag|avond|nacht)|vannacht",
    other_phrases=(
        ("1 week ago", "afgelopen week"),
        ("1 month ago", "afgelopen maand"),
        ("1 year ago", "afgelopen jaar"),
    ),
    ordinals=r"e|de|ste",
    of=r"",
    numbers="één twee drie vier vijf zes zeven acht negen tien",
    few=(("een paar", 5), ("paar", 5), ("enkele", 5)),
    week_number=r"week",
    quarter=r"kwartaal",
    last_session=(
        r"(?:de )?(?:laatste|vorige) keer|waar (?:waren|zijn|hebben) we (?:gebleven|gestopt)"
        r"|wat is (?:er|het) (?:nieuw|laatste|nieuwste)(?! \w)"
        r"|(?:de |het )?(?:laatste|vorige) (?:sessie|gesprek)"
    ),
    topicless=(
        "wat welke wie waar wanneer hoe waarom hebben heb heeft had hadden we wij ik je jij ons "
        "mij mijn was waren is zijn werd de het een op in van aan bij met over voor en of alles "
        "gedaan deden doen gewerkt werken werkten gebeurd gebeurde gesproken besproken gezegd "
        "zei gepraat bezig mee er dingen ding dag dagen tijd sessie sessies gesprek toen dan nog "
        "eens precies afgemaakt besloten laatste vorige keer"
    ),
)

"""Words about time that dateparser's locale data lacks, and words that ask without a topic.

For each language the pieces of patterns, and the words of a question that say nothing of what it is
about ("what did we do"). A language without a row here still has its days, months and "yesterday".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class TimeWords:
    """Pieces of regular expressions in one language, without groups; empty for none.

    Attributes:
        before: Words that may stand before a time, and belong to it.
        before_month: Words before a month that is named alone.
        last: "last", before or after a weekday or a month.
        this: "this", before a weekday or a month.
        since: "since" a time.
        until: "until" a time.
        between: The words before the first and before the second of two times.
        recent: "in the last", before a number of days; `recent_after` stands behind it.
        recent_after: "last" where it stands between the number and the unit.
        day_before: "the day before" another day.
        day_after: "the day after" another day.
        first_of: "the first day of" a month.
        last_of: "the last day of" a month.
        weekend: "the weekend".
        today: Parts of today, as "this morning".
        last_night: Parts of yesterday.
        other_phrases: Phrases that dateparser does not know, as "N unit ago", by that name.
        ordinals: What may stand behind the number of a day.
        of: What may stand between day, month and year.
        numbers: The words for one to ten.
        last_session: What asks for the end of the newest session.
        topicless: Words that say nothing of what a question is about.
    """

    before: str = ""
    before_month: str = ""
    last: str = ""
    this: str = ""
    since: str = ""
    until: str = ""
    between: tuple[str, str] | None = None
    recent: str = ""
    recent_after: str = ""
    day_before: str = ""
    day_after: str = ""
    first_of: str = ""
    last_of: str = ""
    weekend: str = ""
    today: str = ""
    last_night: str = ""
    other_phrases: tuple[tuple[str, str], ...] = ()
    ordinals: str = ""
    of: str = ""
    numbers: str = ""
    last_session: str = ""
    topicless: str = ""


ENGLISH: Final = TimeWords(
    before=r"on|at|in|during|of|from|for|over|within|the|by|back",
    before_month=r"in|during|of|from|throughout|early|late",
    last=r"last|past|previous",
    this=r"this",
    since=r"(?:ever )?since|after|starting(?: from| on)?",
    until=r"until|till?|up to|before",
    between=(r"between|from", r"and|to|until|till|-|\u2013"),
    recent=r"(?:the )?(?:last|past|previous)",
    day_before=r"(?:the )?day before",
    day_after=r"(?:the )?day after",
    first_of=r"(?:the )?(?:first|1st) day of",
    last_of=r"(?:the )?last day of",
    weekend=r"weekend",
    today=r"(?:earlier|later) today|this (?:morning|afternoon|evening)|tonight|so far today",
    last_night=r"last night|yesterday (?:morning|afternoon|evening|night)",
    other_phrases=(("2 day ago", "the day before yesterday"), ("0 week ago", "the current week")),
    ordinals=r"st|nd|rd|th",
    of=r"of|,",
    numbers="one two three four five six seven eight nine ten",
    last_session=(
        r"(?:the )?last time|where (?:did|do|had|have|were|was) (?:we|i|you) "
        r"(?:leave|leav|left|stop|stopped|end|ended|get|got)(?: (?:it|off|things|up|to))*"
        r"|where we (?:left|stopped|ended)(?: (?:it|off|things|up))*"
        r"|(?:what|where|how)(?:['\u2019]s| is| was| are| were)? (?:the |we |i )*"
        r"(?:latest|newest|most recent|up to)(?: (?:thing|things|news|state|status|work|progress))?"
        r"(?! \w)"
        r"|(?:the |our |my )?(?:last|latest|previous|most recent) (?:session|conversation|chat)"
        r"|pick(?:ing)? up where|catch me up|what were we (?:just )?doing"
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
        "progress made make cover covered touch touched change changed changes decide decided "
        "s t ll re ve d im whats"
    ),
)

GERMAN: Final = TimeWords(
    before=r"am|an|im|in|vom|von|der|den|dem|die|das|des|zu|zum|während|über|für",
    before_month=r"im|vom|des|von|anfang|mitte|ende",
    last=r"letzte[nrms]?|vergangene[nrms]?|vorige[nrms]?",
    this=r"diese[nrms]?",
    since=r"seit(?: dem)?|ab(?: dem)?|nach(?: dem)?",
    until=r"bis(?: zum)?|vor dem",
    between=(r"zwischen|vo[nm]", r"und|bis(?: zum)?|-|\u2013"),
    recent=r"(?:den |die |der )?(?:letzten|vergangenen|vorigen)",
    day_before=r"(?:am |den )?tag(?:e)? vor(?: dem)?",
    day_after=r"(?:am |den )?tag(?:e)? nach(?: dem)?",
    first_of=r"(?:am |den )?ersten tag(?:e)?(?: des| im| von)?",
    last_of=r"(?:am |den )?letzten tag(?:e)?(?: des| im| von)?",
    weekend=r"wochenende",
    today=r"heute (?:morgen|früh|vormittag|nachmittag|abend|nacht)",
    last_night=r"gestern (?:morgen|früh|vormittag|nachmittag|abend|nacht)|letzte nacht",
    other_phrases=(
        ("0 week ago", "dieser woche"),
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
    ordinals=r"\.",
    of=r"",
    numbers="einem zwei drei vier fünf sechs sieben acht neun zehn",
    last_session=(
        r"(?:das )?letzte(?:s)? mal|zuletzt|beim letzten mal"
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
        "getrieben sache sachen dinge tag tage zeit sitzung sitzungen gespräch zeig zeige "
        "mal noch denn eigentlich genau so bitte alles etwas neues neueste letzte zuletzt "
        "entschieden beschlossen"
    ),
)

SPANISH: Final = TimeWords(
    before=r"el|en|del|de|la|los|las|a|al|durante|por|para",
    before_month=r"en|de|durante",
    last=r"pasad[oa]s?|últim[oa]s?",
    this=r"est[ea]",
    since=r"desde(?: el| la)?|a partir de(?:l)?|después de(?:l)?",
    until=r"hasta(?: el| la)?|antes de(?:l)?",
    between=(r"entre(?: el)?|de(?:l)?|desde(?: el)?", r"y(?: el)?|al?|hasta(?: el)?|-|\u2013"),
    recent=r"(?:en )?(?:los |las )?últim[oa]s",
    day_before=r"(?:el )?día (?:antes|anterior) (?:de|a)l?",
    day_after=r"(?:el )?día (?:después|siguiente) (?:de|a)l?",
    first_of=r"(?:el )?primer día de",
    last_of=r"(?:el )?último día de",
    weekend=r"fin de semana",
    today=r"esta (?:mañana|tarde|noche)",
    last_night=r"anoche|ayer por la (?:mañana|tarde|noche)",
    other_phrases=(
        ("1 month ago", "mes pasado"),
        ("1 week ago", "semana pasada"),
        ("1 year ago", "año pasado"),
        ("2 day ago", "antes de ayer"),
        ("2 day ago", "antier"),
    ),
    ordinals=r"º|ª",
    of=r"de|del|,",
    numbers="un dos tres cuatro cinco seis siete ocho nueve diez",
    last_session=(
        r"(?:la )?última vez|dónde (?:lo )?(?:nos )?(?:quedamos|dejamos|paramos|estábamos)"
        r"|(?:qué es )?lo (?:último|más reciente)(?: que hicimos)?(?! \w)"
        r"|(?:la )?última (?:sesión|conversación)"
    ),
    topicless=(
        "qué que cuál cuáles quién dónde cuándo cómo por hicimos hice "
        "hiciste hizo hacer hacemos hecho trabajamos trabajé trabajado trabajar trabajando "
        "pasó pasado pasar ocurrió sucedió hablamos hablado hablar dijimos dije dicho "
        "dijo estuvimos estuve estábamos estaba fue fueron era eran hay había hemos he ha "
        "se nos me mi nuestro el la los las lo un una en de del a al y o con sobre para todo "
        "cosas cosa día días tiempo sesión sesiones conversación nosotros yo "
        "terminamos logramos decidimos vimos ocupado ocupados último última más reciente"
    ),
)

FRENCH: Final = TimeWords(
    before=r"le|la|les|en|au|aux|du|de|des|dans|pendant|durant|ce|ces|d['\u2019]|lors",
    before_month=r"en|de|durant|d['\u2019]",
    last=r"derni(?:er|ère)s?|passée?s?",
    this=r"cet?(?:te)?",
    since=r"depuis(?: le| la)?|à partir d[eu]|après(?: le)?",
    until=r"jusqu['\u2019](?:au|à|en)|avant(?: le)?",
    between=(r"entre(?: le)?|du|de", r"et(?: le)?|au|à|jusqu['\u2019]au|-|\u2013"),
    recent=r"(?:ces |les |des |au cours des |dans les )?(?:derni(?:er|ère)s)",
    recent_after=r"derni(?:er|ère)s",
    day_before=r"(?:le jour avant|la veille d[eu]|le jour précédant)(?: le)?",
    day_after=r"(?:le jour après|le lendemain d[eu])(?: le)?",
    first_of=r"(?:le )?premier jour (?:de|du mois de|d['\u2019])",
    last_of=r"(?:le )?dernier jour (?:de|du mois de|d['\u2019])",
    weekend=r"week-?end",
    today=r"ce (?:matin|soir)|cet après-midi|cette nuit",
    last_night=r"hier (?:matin|soir|après-midi)|la nuit dernière",
    other_phrases=(
        ("1 week ago", "semaine dernière"),
        ("1 week ago", "semaine passée"),
        ("1 month ago", "mois dernier"),
        ("1 month ago", "mois passé"),
        ("1 year ago", "année dernière"),
        ("1 year ago", "an dernier"),
        ("0 day ago", "aujourd\u2019hui"),
        ("2 day ago", "avant hier"),
    ),
    ordinals=r"er",
    of=r"de|,",
    numbers="un deux trois quatre cinq six sept huit neuf dix",
    last_session=(
        r"(?:la )?dernière fois|où (?:en )?(?:étions|nous|on|sommes|avons|s['\u2019]est)"
        r"(?:[- ](?:nous|on|s['\u2019]est|en|étions|sommes|arrêtés?|restés?|avions|laissé))*"
        r"|(?:quoi de neuf|quelles sont les nouvelles|le plus récent)(?! \w)"
        r"|(?:la )?dernière (?:session|conversation|séance)"
    ),
    topicless=(
        "que qu quoi quel quelle quels quelles qui où quand comment pourquoi est ce a on nous je "
        "tu j ai as avons avez ont fait faite faits faire faisait faisions travaillé travailler "
        "travaillions passé passée passe s se arrivé parlé parler dit discuté "
        "été était étaient étions sommes sont le la les l un une des du de d en "
        "au aux et ou avec sur dans pour tout choses chose jour jours temps session sessions "
        "conversation occupé occupés fini terminé décidé il y c mon notre nos "
        "dernière dernier fois donc"
    ),
)

ITALIAN: Final = TimeWords(
    before=r"il|lo|la|l['\u2019]|in|nel|nella|del|della|di|a|al|durante|per|il giorno",
    before_month=r"in|a|di|nel",
    last=r"scors[oai]|passat[oai]|ultim[oaie]",
    this=r"quest[oai]",
    since=r"da(?:l|lla|ll['\u2019])?|dopo(?: il)?|a partire da(?:l)?",
    until=r"fino a(?:l)?|prima de(?:l|lla)",
    between=(r"tra(?: il)?|fra(?: il)?|da(?:l)?", r"e(?: il)?|a(?:l)?|-|\u2013"),
    recent=r"(?:negli |nelle |gli |le )?ultim[ie]",
    day_before=r"(?:il )?giorno prima de(?:l|lla|ll['\u2019])",
    day_after=r"(?:il )?giorno dopo(?: il)?",
    first_of=r"(?:il )?primo giorno di",
    last_of=r"(?:l['\u2019])?ultimo giorno di",
    weekend=r"fine settimana|week-?end",
    today=r"stamattina|stamani|questa (?:mattina|sera)|stasera|questo pomeriggio",
    last_night=r"ieri (?:mattina|sera|pomeriggio|notte)|stanotte",
    other_phrases=(
        ("2 day ago", "l'altro ieri"),
        ("2 day ago", "l\u2019altro ieri"),
        ("2 day ago", "avantieri"),
        ("1 month ago", "mese scorso"),
        ("1 year ago", "anno scorso"),
    ),
    ordinals=r"º",
    of=r"di|,",
    numbers="un due tre quattro cinque sei sette otto nove dieci",
    last_session=(
        r"(?:l['\u2019])?ultima volta|dove (?:eravamo|siamo|ci siamo) (?:rimasti|arrivati|fermati)"
        r"|(?:cosa c['\u2019]è di nuovo|la cosa più recente)(?! \w)"
        r"|(?:l['\u2019])?ultima (?:sessione|conversazione)"
    ),
    topicless=(
        "che cosa cos quale quali chi dove quando come perché abbiamo ho hai ha hanno fatto "
        "facevamo facciamo fare lavorato lavorare lavoravamo successo è accaduto parlato parlare "
        "detto discusso stato era erano eravamo siamo sono il lo la i gli le l un una di del della "
        "da in nel su a al e o con per tutto cose giorno giorni tempo sessione sessioni "
        "conversazione noi io mi ci si occupati occupato finito deciso ultima volta"
    ),
)

PORTUGUESE: Final = TimeWords(
    before=r"no|na|nos|nas|em|do|da|de|o|a|ao|durante|para|dia",
    before_month=r"em|de|durante",
    last=r"passad[oa]s?|últim[oa]s?",
    this=r"est[ea]|nest[ea]",
    since=r"desde(?: o| a)?|a partir d[eo]|depois d[eo]",
    until=r"até(?: o| a| ao)?|antes d[eo]",
    between=(r"entre(?: o)?|d[eo]", r"e(?: o)?|a(?:o)?|até(?: o)?|-|\u2013"),
    recent=r"(?:n[oa]s )?últim[oa]s",
    day_before=r"(?:o |no )?dia (?:antes d[eo]|anterior a[o]?)",
    day_after=r"(?:o |no )?dia (?:depois d[eo]|seguinte a[o]?)",
    first_of=r"(?:o |no )?primeiro dia de",
    last_of=r"(?:o |no )?último dia de",
    weekend=r"fim de semana",
    today=r"(?:esta|hoje de|hoje à) (?:manhã|tarde|noite)",
    last_night=r"ontem (?:de|à) (?:manhã|tarde|noite)",
    other_phrases=(
        ("1 month ago", "mês passado"),
        ("1 year ago", "ano passado"),
        ("0 week ago", "nesta semana"),
    ),
    ordinals=r"º",
    of=r"de|,",
    numbers="um dois três quatro cinco seis sete oito nove dez",
    last_session=(
        r"(?:a |da )?última vez|onde (?:nós )?(?:paramos|ficamos|estávamos)"
        r"|(?:o que há de novo|o mais recente)(?! \w)"
        r"|(?:a )?última (?:sessão|conversa)"
    ),
    topicless=(
        "o que qual quais quem onde quando como por fizemos fiz fez feito fazer trabalhamos "
        "trabalhei trabalhado trabalhar aconteceu acontecido falamos falado falar disse dissemos "
        "estivemos estávamos estava foi foram era eram há havia nós eu a os as um uma "
        "no na em de do da e ou com sobre para tudo coisas coisa dia dias tempo sessão "
        "sessões conversa terminamos decidimos vimos ocupado última vez se nos me"
    ),
)

DUTCH: Final = TimeWords(
    before=r"op|in|tijdens|van|de|het|voor|gedurende|om",
    before_month=r"in|van",
    last=r"afgelopen|vorige?|laatste",
    this=r"deze|dit",
    since=r"sinds|vanaf|na",
    until=r"tot(?: en met)?|voor",
    between=(r"tussen|van", r"en|tot(?: en met)?|-|\u2013"),
    recent=r"(?:de )?(?:afgelopen|laatste|voorbije)",
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

RUSSIAN: Final = TimeWords(
    before=r"в|во|на|за|с|к",
    before_month=r"в|за",
    last=r"прошл\w+|последн\w+",
    this=r"эт\w+",
    since=r"с|со|начиная с|после",
    until=r"до|по",
    recent=r"(?:за )?последн\w+",
    weekend=r"выходн\w+",
    last_session=(
        r"(?:в )?(?:прошлый|последний) раз"
        r"|на ч[её]м мы остановились"
    ),
    topicless=(
        "что чем чём где когда как какие мы я делали делал сделали сделал было был были работали "
        "работал случилось произошло говорили обсуждали занимались над в на и о об с за"
    ),
)

CHINESE: Final = TimeWords(
    before=r"在|于",
    since=r"自|从|自从",
    recent=r"(?:在)?(?:过去|最近|近)(?:的)?",
    weekend=r"(?:上个|上|这个)?周末",
    today=r"今(?:早|晚)|今天(?:早上|上午|下午|晚上)",
    last_night=r"昨晚|昨天(?:早上|上午|下午|晚上)",
    other_phrases=(
        ("0 week ago", "这周"),
        ("0 week ago", "这个星期"),
        ("1 week ago", "上个星期"),
        ("1 week ago", "上星期"),
        ("0 month ago", "这个月"),
        ("1 month ago", "上月"),
    ),
    numbers="一 两 三 四 五 六 七 八 九 十",
    last_session=r"上次|上一次|最后一次|上回|讲到哪|做到哪(?:里|儿)?(?:了)?",
    topicless=(
        "我们 我 你 你们 做了 做过 做 干了 干 什么 啥 哪些 事情 事 工作 发生了 发生 "
        "讨论了 讨论 说了 说 聊了 聊 完成了 完成 了 的 在 过 呢 吗 有 都 忙 那天 时候"
    ),
)

WORDS: Final = {
    "en": ENGLISH,
    "de": GERMAN,
    "es": SPANISH,
    "fr": FRENCH,
    "it": ITALIAN,
    "pt": PORTUGUESE,
    "nl": DUTCH,
    "ru": RUSSIAN,
    "zh": CHINESE,
}
"""By the code of dateparser's locales."""

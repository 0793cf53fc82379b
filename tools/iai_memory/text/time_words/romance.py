"""French, Italian, Portuguese, Spanish."""

from __future__ import annotations

from typing import Final

from .pieces import TimeWords

FRENCH: Final = TimeWords(
    before=r"le|la|les|en|au|aux|du|de|des|dans|pendant|durant|ce|ces|d['\u2019]|lors",
    before_month=r"en|de|durant|d['\u2019]",
    last=r"derni(?:er|ère)s?|passée?s?",
    this=r"cet?(?:te)?",
    since=r"depuis(?: le| la)?|à partir d[eu]",
    until=r"jusqu['\u2019](?:au|à|en)",
    after=r"après(?: le)?",
    ahead=r"avant(?: le)?",
    first_week=r"(?:la )?première semaine (?:du mois )?d[e'\u2019]",
    last_week=r"(?:la )?dernière semaine (?:du mois )?d[e'\u2019]",
    between=(r"entre(?: le)?|du|de", r"et(?: le)?|au|à|jusqu['\u2019]au|-|\u2013"),
    recent=r"(?:ces |les |des |au cours des |dans les )?(?:derni(?:er|ère)s)",
    recent_after=r"derni(?:er|ère)s",
    several=r"jours|semaines|mois|heures",
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
    short_weekdays=r"lun|mar|mer|jeu|ven|sam|dim",
    ordinals=r"er",
    of=r"de|,",
    numbers="un deux trois quatre cinq six sept huit neuf dix",
    few=(("quelques", 5),),
    week_number=r"semaine",
    quarter=r"trimestre",
    last_session=(
        r"(?:la )?dernière fois|récemment|dernièrement|l['\u2019]autre jour"
        r"|où (?:en )?(?:étions|nous|on|sommes|avons|s['\u2019]est)"
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
    since=r"da(?:l|lla|ll['\u2019])?|a partire da(?:l)?",
    until=r"fino a(?:l)?",
    after=r"dopo(?: il)?",
    ahead=r"prima de(?:l|lla)",
    between=(r"tra(?: il)?|fra(?: il)?|da(?:l)?", r"e(?: il)?|a(?:l)?|-|\u2013"),
    recent=r"(?:negli |nelle |gli |le )?ultim[ie]",
    several=r"giorni|settimane|mesi|ore",
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
    few=(("qualche", 5), ("pochi", 5), ("poche", 5)),
    week_number=r"settimana",
    quarter=r"trimestre",
    last_session=(
        r"(?:l['\u2019])?ultima volta|(?:di )?recente(?:mente)?|ultimamente|l['\u2019]altro giorno"
        r"|dove (?:eravamo|siamo|ci siamo) (?:rimasti|arrivati|fermati)"
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
    since=r"desde(?: o| a)?|a partir d[eo]",
    until=r"até(?: o| a| ao)?",
    after=r"depois d[eo]|após",
    ahead=r"antes d[eo]",
    between=(r"entre(?: o)?|d[eo]", r"e(?: o)?|a(?:o)?|até(?: o)?|-|\u2013"),
    recent=r"(?:n[oa]s )?últim[oa]s",
    several=r"dias|semanas|meses|horas",
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
    few=(("alguns", 5), ("algumas", 5), ("poucos", 5), ("poucas", 5)),
    week_number=r"semana",
    quarter=r"trimestre",
    last_session=(
        r"(?:a |da )?última vez|recentemente|ultimamente|(?:no )?outro dia"
        r"|onde (?:nós )?(?:paramos|ficamos|estávamos)"
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

SPANISH: Final = TimeWords(
    before=r"el|en|del|de|la|los|las|a|al|durante|por|para",
    before_month=r"en|de|durante",
    last=r"pasad[oa]s?|últim[oa]s?",
    this=r"est[ea]",
    since=r"desde(?: el| la)?|a partir de(?:l)?",
    until=r"hasta(?: el| la)?",
    after=r"después de(?:l)?",
    ahead=r"antes de(?:l)?",
    first_week=r"(?:la )?primera semana de",
    last_week=r"(?:la )?última semana de",
    between=(r"entre(?: el)?|de(?:l)?|desde(?: el)?", r"y(?: el)?|al?|hasta(?: el)?|-|\u2013"),
    recent=r"(?:en )?(?:los |las )?últim[oa]s",
    several=r"días|semanas|meses|horas",
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
    short_weekdays=r"lun|mar|mié|jue|vie|sáb|dom",
    ordinals=r"º|ª",
    of=r"de|del|,",
    numbers="un dos tres cuatro cinco seis siete ocho nueve diez",
    few=(("unos", 5), ("unas", 5), ("pocos", 5), ("pocas", 5), ("algunos", 5)),
    week_number=r"semana",
    quarter=r"trimestre",
    last_session=(
        r"(?:la )?última vez|recientemente|últimamente|el otro día"
        r"|dónde (?:lo )?(?:nos )?(?:quedamos|dejamos|paramos|estábamos)"
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

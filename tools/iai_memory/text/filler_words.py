"""Words that name no topic: grammar, small talk with an assistant, and the commonest verbs.

Half of them are in `stop_words` too. One list cannot serve both: a stop word is left out of a query
in its own language only and may have one letter, and topics and claims keep some hundred of them.
"""

from __future__ import annotations

from typing import Final

_ENGLISH: Final = """
about above across actually after again against ago all almost alone along already also although
always among and another any anybody anyone anything anyway anywhere are arent around aside ask
asked asking away back basically became because become been before began behind being below beside
besides best better between beyond both brief but came can cannot cant certain clear clearly come
comes could couldnt did didnt different does doesnt doing done dont down during each early either
else end enough entire especially etc even ever every everybody everyone everything everywhere
exactly example far few fewer fine first for found from full further gave general get gets getting
give given gives giving goes going gone gonna good got great had hadnt happen happened has hasnt
have havent having hello help hence her here hers herself hey him himself his hold how however
idea ill ings instead into isnt its itself ive just keep keeps kept kind knew know known knows last
later latest least left less let lets lets like likely little long longer look looked looking looks
lot lots made main make makes making many may maybe mean means might mine more most mostly much
must myself near nearly need needed needs neither never new next nobody none nor not nothing now
nowhere off often okay old once one ones only onto other others otherwise our ours ourselves out
over own part particular perhaps please possible probably put quite rather real really recent
right said same saw say saying says second see seem seemed seems seen set several shall she should
shouldnt show showed shown shows side simple simply since some somebody somehow someone something
sometimes somewhere soon sorry still stuff such sure take taken takes taking tell tells than thank
thanks that thats the their theirs them themselves then there therefore theres these they theyre
thing things think this those though thought three through throughout thus time times today
together told tomorrow too took toward towards tried tries true try trying two under understand
unless until upon use used uses using usually very via wait want wanted wants was wasnt way ways
well went were werent weve what whatever when whenever where wherever whether which while who
whoever whole whom whose why will wish with within without wont work worked working works would
wouldnt yeah yes yesterday yet you youll your youre yours yourself youve
"""

_GERMAN: Final = """
aber alle allem allen aller alles als also andere anderen auch auf aus bei beim bin bis bist bitte
dabei dafür daher damit dann das dass dazu dein deine dem den denn der des deshalb die dies diese
diesem diesen dieser dieses doch dort durch ein eine einem einen einer eines einmal etwas euch für
gegen gibt habe haben hat hatte hier hinter ich ihm ihn ihnen ihr ihre ihrem ihren immer ist jede
jedem jeden jeder jedes jetzt kann kein keine keinem keinen können machen man mehr mein meine mich
mir mit muss müssen nach nein nicht nichts noch nur oder ohne schon sehr sein seine sich sie sind
soll sollte sondern sonst über und uns unser unsere unter viel vom von vor wann war waren warum was
weil weiter wenn wer werden wie wieder will wir wird wurde würde zum zur zwischen
"""

_ROMANCE: Final = """
ainsi alors après aussi autre aux avant avec avoir beaucoup ces cette ceux chez comme dans depuis
des donc dont elle elles encore entre est été être eux fait faire faut ici ils jamais les leur
leurs mais même mes moi moins mon nos notre nous ont par parce pas pendant peut plus pour pourquoi
puis quand que quel quelle qui quoi sans ses soit son sont sous sur toujours tous tout toute très
trop une vers voici voilà vos votre vous était

además ahora algo alguien antes aquel aquí así aunque cada casi como con contra cual cuando cuándo
cómo del desde después donde dónde durante ella ellas ellos entonces eran eres esa ese eso esta
está están estas este esto estos fue fueron gracias había hacer hacia hasta hay las les los luego
mientras mucho muy más nada nos nosotros nunca otra otro para pero poco por porque pues puede que
quien qué sea según ser será siempre sin sino sobre solo son sus también tan tanto tener tiene toda
todas todo todos tras tus una unas uno unos usted vez

ainda alguém algum alguma aquele até bem com depois dela dele deles desde dessa desse dois ela elas
eles então era essa esse essas esses estar estava estou fazer foi foram isso isto mais mas mesmo
meu minha muito nada nas não nem nos nossa nosso onde outra outro para pela pelo pode por porque
quando quem seja sem sempre ser seu sua são também tem tinha toda todo tudo uma umas uns você vocês

abbiamo alla alle allo anche ancora avere bene che chi ci come con cosa così dal dalla degli dei
del della delle dello deve dopo dove ecco era essere fare fatto fino fra gli grazie hanno invece
loro lui meno mentre mio molto nel nella nelle noi non nostro ogni oppure per perché però più poi
prima proprio può quale quali quando quanto quella quelle quelli quello questa queste questi questo
qui quindi senza sia siamo sono sopra sotto stato sua sugli sul sulla suo tra tutti tutto una uno
vuole
"""

FILLER_WORDS: Final = frozenset((_ENGLISH + _GERMAN + _ROMANCE).casefold().split())
"""Case folded and without apostrophes, as `topic_labels.label_words` makes words."""

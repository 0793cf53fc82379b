"""Russian, Polish, Czech."""

from __future__ import annotations

from typing import Final

from .pieces import TimeWords

RUSSIAN: Final = TimeWords(
    before=r"в|во|на|за|с|к",
    before_month=r"в|за",
    last=r"прошл\w+|последн\w+",
    this=r"эт\w+",
    since=r"с|со|начиная с",
    after=r"после",
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

POLISH: Final = TimeWords(
    before=r"w|we|na|od|do|za|z|ze|dnia|podczas|przez",
    before_month=r"w|we|od",
    last=r"zeszł\w+|ostatni\w*|poprzedni\w*|ubiegł\w+",
    this=r"t[ęąey]|tym|tego|ten",
    since=r"od",
    until=r"do",
    after=r"po",
    ahead=r"przed",
    between=(r"między|od", r"a|do|-|\u2013"),
    recent=r"(?:w ciągu |przez )?ostatni(?:ch|e)",
    several=r"dni|tygodni|miesięcy|godzin|dniach|tygodniach|miesiącach",
    weekend=r"weekend(?:u|zie)?",
    today=r"dziś rano|dzisiaj rano|dziś wieczorem|dzisiaj wieczorem",
    last_night=r"wczoraj (?:rano|wieczorem|po południu)",
    few=(("kilka", 5), ("parę", 5), ("kilku", 5)),
    last_session=(
        r"ostatnim razem|ostatnio|niedawno|poprzednim razem|na czym (?:skończyliśmy|stanęliśmy)"
        r"|gdzie (?:skończyliśmy|przerwaliśmy)|(?:ostatnia|ostatniej) (?:sesja|sesji|rozmowa)"
    ),
    topicless=(
        "co czym jaki jakie jaka kto kogo gdzie kiedy jak dlaczego my ja ty robiliśmy robiłem "
        "robiłam zrobiliśmy zrobiłem zrobiono robić robimy było był była były są jest zostało "
        "pracowaliśmy pracowałem pracować nad wydarzyło stało działo się mówiliśmy "
        "rozmawialiśmy omawialiśmy powiedzieliśmy skończyliśmy zajmowaliśmy zdecydowaliśmy "
        "nasz nam nas i lub w we na o z ze do od po to te ten wszystko rzeczy dzień dni czas "
        "sesja sesje sesji rozmowa"
    ),
)

CZECH: Final = TimeWords(
    before=r"v|ve|na|od|do|za|dne|během|o|z",
    before_month=r"v|ve|během|od",
    last=r"minul\w+|posledn\w+|uplynul\w+",
    this=r"tento|tuto|tohoto|tuhle",
    since=r"od",
    until=r"do",
    after=r"po",
    ahead=r"před",
    between=(r"mezi|od", r"a|do|-|\u2013"),
    recent=r"(?:za |v )?posledn\w+",
    several=r"dnů|dny|dní|dnech|týdnů|týdny|týdnech|měsíců|měsících|hodin",
    weekend=r"víkend(?:u)?",
    few=(("několik", 5), ("pár", 5), ("několika", 5)),
    last_session=(
        r"minule|posledně|naposledy|nedávno|kde jsme (?:skončili|přestali)"
        r"|(?:poslední|minulá) (?:relace|konverzace|schůzka)"
    ),
    topicless=(
        "co čem čím jaký jaké jaká kdo kde kdy jak proč my já ty jsme jsem jsi dělali dělal dělala "
        "udělali udělal děláme dělat bylo byl byla byly je jsou pracovali pracoval pracovat "
        "stalo dělo se mluvili bavili řešili probírali řekli dokončili rozhodli nám nás náš "
        "i nebo a v ve na o z do od po to ten všechno věci den dny čas relace sezení hotovo"
    ),
)

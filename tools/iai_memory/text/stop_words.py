"""The function words of each language, which detect it and are left out of a query."""

from __future__ import annotations

from typing import Final

FUNCTION_WORDS: Final[dict[str, str]] = {
    "english": """
        a about after all am an and any are aren't as at be because been before being both but by
        can can't could couldn't did didn't do does doesn't doing don't down during each every for
        from further had hadn't has hasn't have haven't having he her here hers herself him himself
        his how i if in into is isn't it its itself just me mine more most my myself no nor not of
        off on once only or other our ours ourselves out over own same shall she should shouldn't so
        some such than that the their theirs them themselves then there these they this those
        through to too under until up us very was wasn't we were weren't what when where which while
        who whom whose why will with won't would wouldn't you your yours yourself yourselves also
        again between i'm i've i'd i'll it's that's there's let's what's who's he's she's we're
        they're you're you've we've they've you'll we'll they'll
        """,
    "german": """
        aber als am an auch auf aus bei beim bin bis bist da damit dann das dass dein deine dem den
        denn der des die dies diese diesem diesen dieser dieses doch dort du durch ein eine einem
        einen einer eines er es euch euer für gegen gibt habe haben hat hatte hatten ich ihm ihn
        ihnen ihr ihre ihrem ihren ihrer im in ist ja jede jedem jeden jeder jedes kann kein keine
        keinen man mein meine meinem meinen meiner mich mir mit nach nicht noch nur oder ohne sehr
        sein seine seinem seinen seiner sich sie sind so über um und uns unser unsere unter vom von
        vor wann war waren warum was weil welche welchem welchen welcher welches wenn wer werden wie
        wieder wir wird wo wohin worden wurde wurden zu zum zur zwischen viel gab
        """,
    "french": """
        à au aux avec avait ai as ce ces cet cette chez comme dans de des donc dont du elle elles en
        est et était étaient eu eux il ils je la le les leur leurs lui ma mais me même mes moi mon
        ne nos notre nous on ont ou où par pas pour pourquoi qu quand que quel quelle quelles quels
        qui quoi sa sans se sera ses si son sont sur ta te tes toi ton tu un une vos votre vous y
        c d j l m n s t combien comment lequel laquelle cela ça ici depuis entre
        """,
    "spanish": """
        a al ante aquel aquella como cómo con cuál cuáles cuándo cuando cuánto de del desde donde
        dónde durante e el él ella ellas ellos en entre era eran es esa ese eso esta está están
        estas este esto estos fue fueron ha han hasta hay la las le les lo los más me mi mis muy no
        nos nosotros nuestra nuestro o para pero por porque que qué quien quién se sea ser si sí sin
        sobre son su sus también te tiene tienen tu tus un una unas uno unos usted y ya yo
        """,
    "portuguese": """
        a à ao aos as às até com como da das de dela dele deles do dos e é ela elas ele eles em
        entre era eram essa esse esta está estão este eu foi foram há isso isto já lhe mais mas me
        meu minha muito na não nas nem no nos nossa nosso num numa o os ou para pela pelas pelo
        pelos por porque qual quais quando quanto que quem são se sem ser seu seus só sobre sua suas
        também te tem têm teu um uma umas uns você vocês onde
        """,
    "italian": """
        a ad agli ai al alla alle allo anche che chi ci come con cosa cui da dagli dai dal dalla
        dalle dei del della delle dello di dove dov e è ed era erano essere fra gli ha hanno ho i il
        in io la le lei li lo loro lui ma mi mia mie miei mio nei nel nella nelle noi non nostra
        nostro o per perché più quale quali quando quanto quella quello questa queste questi questo
        se si sia sono su sua sue sugli sui sul sulla suo suoi ti tra tu un una uno vi voi
        """,
    "dutch": """
        aan al als bij dan dat de den der deze die dit door een en er geen haar had hadden heb
        hebben heeft hem het hij hoe hun ik in is je jij jouw jullie kan maar me mij mijn met na
        naar niet nog nu of om ons onze ook op over te tot u uit uw van veel voor waar waarom
        wanneer want waren was wat we welk welke werd wie wij worden wordt zal ze zich zij zijn zo
        zou
        """,
    "swedish": """
        alla att av blev bli blir de dem den denna deras dess det detta dig din du där efter ej
        eller en er ett från för ha hade han hans har hon hur här i in inte jag ju kan man med mig
        min mot mycket ni nu när och om oss på sedan sig sin ska skulle som så till under upp ut
        vad var vara varför vem vi vid vilken är över
        """,
    "danish": """
        af alle at blev bliver da de dem den denne der deres det dette dig din dog du efter eller en
        end er et for fra før ham han hans har havde hende hendes her hos hun hvad hvem hvor
        hvordan hvornår hvorfor i ikke ind jeg jer kan man med meget men mig min mod må ned nogle nu
        når og også om op os over på sig sin skal som til ud under var ved vi vil være været
        """,
    "norwegian": """
        alle at av ble blir bli da de deg dem den denne der deres det dette din du eller en er et
        etter for fra før ha hadde han hans har hennes her hun hva hvem hvor hvordan hvorfor når i
        ikke inn jeg kan kunne man med meg meget mellom men mer min mot må nå noe noen og også om
        opp oss over på seg sin skal som til ut var ved vi vil være vært å
        """,
    "finnish": """
        ei eivät että he hän häntä hänen ja joka jos jotka kanssa ketkä koska koskaan kuin kuinka
        kuka kun me mihin mikä missä mistä milloin miksi minkä mitä mutta myös ne niin nyt ole oli
        olivat olla on ovat se sekä sen siellä sillä sinä sitä tai te tämä tämän tätä vaan vai vain
        hänellä minulla
        """,
    "polish": """
        a aby albo ale bez był była było były być być by ci czy co dla do gdy gdzie go i ich ile im
        ja jak jaka jaki jakie jako jego jej jest jestem jeszcze już kiedy kto która które który
        którzy lub ma mam mi mnie moja moje mój my na nad nam nas nie nich nim niż o od on ona one
        oni oraz po pod przed przez przy są się sobie ta tak także tam te tego tej ten to tu tym ty
        u w was we więc wszystko z za ze że żeby
        """,
    "czech": """
        a aby ale ani ano až bez bude budou by byl byla bylo byly být co což či do ho i já jak jaká
        jaké jaký je jeho její jejich jen ještě již jsem jsme jsou jste k kam kde kdo kdy když ke
        která které který kteří má máme mě mezi mi můj my na nad nám nás ne nebo není než o od on
        ona oni pak po pod podle pro proč před při s se si své ta tak také tam tato té ten tento to
        tu ty u už v ve však vy z za ze že
        """,
    "hungarian": """
        a az azt be csak de egy ek el ennek és ez ezt fel ha hanem hiszen hogy hogyan hol honnan
        hova igen is itt ki kell le lesz lett már még meg mely melyik mert mi miért mikor milyen
        mint mit mivel most nagyon nem nekem ő ott össze pedig sem szerint ti több úgy után vagy
        van vannak volt voltak
        """,
    "romanian": """
        a ai al ale am ar are au avea ca că care când cât ce cel cele cine cu cum da dacă dar de
        decât deci din după ea ei el ele era este eu fi fie fost iar îl în îi îmi între la le lor
        lui mai mea meu mi nici noastră nostru nu o or pe pentru prin sa să sale sau se si și sunt
        sub te toate tot tu un una unde unei unor unui va vă voi
        """,
    "turkish": """
        ama ancak bana bazı belki ben beni benim bir biri biz bize bizim bu buna bunu bunun çok
        çünkü da daha de defa değil diye dolayı en fakat gibi hangi hem hep her hiç için ile ise
        kadar kaç ki kim kimin mı mi mu mü nasıl ne neden nerede nereye niçin o olan olarak oldu
        olduğu ona onlar onu onun sana sen seni senin siz sizin sonra şey şu tüm var ve veya ya yani
        yok zaman
        """,
    "indonesian": """
        ada adalah agar akan aku anda antara apa apakah atau bagaimana bahwa banyak belum berapa
        bisa bukan dalam dan dapat dari dengan di dia hanya harus ini itu juga kami kamu kapan
        karena ke kepada ketika kita lagi lebih maka mana mereka mengapa oleh pada para saat saja
        sampai sangat saya sebagai sebuah secara sedang sekarang semua seperti siapa sudah tapi
        telah tentang tetapi tidak untuk yang
        """,
    "russian": """
        а без бы был была были было быть в вам вас во вот все всё вы где да для до его ее её ей если
        есть еще ещё же за и из или им их к как какая какие какой какое каким ко когда кому кто куда
        ли мне мной мы на над нам нас не него нее неё нет ни них но ну о об он она они оно от по под
        при с со так там то того тоже только том ты у уже чего чей чем что чтобы чтоб эта эти это
        этого этой этом этот я
        """,
    "greek": """
        από αυτά αυτή αυτό αυτοί για γιατί δεν δε εγώ είναι εκεί ένα ένας εσύ έχει έχω ή η ήταν θα
        και κάθε κατά με μέσα μετά μη μην μια μου μόνο να ο οι όπου όπως όταν ότι όχι πάνω πιο ποια
        ποιος ποιο ποιον πολύ πού που προς πως πώς πότε σας σε στα στη στην στις στο στον στους
        τα τη την της τι τις το τον του τους των ως
        """,
    "arabic": """
        أن أنا أنت أو أي أين إلى إن التي الذي الذين ان الى او بعد بين تلك ثم حتى حيث ذلك على عن عند
        فقط في فيه قبل قد كان كانت كم كل كما كيف لا لدى لقد لك لكن لم لن له لها لو لي ليس ما ماذا مع
        من منذ منه متى نحن هذا هذه هل هم هنا هناك هو هي و يا
        """,
}
"""By the name of the language's Snowball stemmer; words separated by white space."""

LETTERS: Final[dict[str, str]] = {
    "german": "äöüß",
    "french": "éèêçàâîûœ",
    "spanish": "ñáéíóú¿¡",
    "portuguese": "ãõçáéíóúâêô",
    "italian": "àèìòù",
    "swedish": "åäö",
    "danish": "åæø",
    "norwegian": "åæø",
    "finnish": "äö",
    "polish": "ąćęłńóśźż",
    "czech": "áčďéěíňřšťúůýž",
    "hungarian": "áéíóöőúüű",
    "romanian": "ăâîșşțţ",
    "turkish": "çğışöü",
}
"""The letters of a language in Latin script beside a to z."""

"""Chinese, Japanese, Korean, Turkish."""

from __future__ import annotations

from typing import Final

from .pieces import TimeWords

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

JAPANESE: Final = TimeWords(
    since=r"以来|以降",
    recent=r"(?:ここ|この|過去|直近)(?:の)?",
    weekend=r"(?:先週の|今週の|この)?週末",
    today=r"今(?:朝|晩|夜)",
    last_night=r"昨(?:夜|晩)|ゆうべ",
    other_phrases=(
        ("0 day ago", "今日"),
        ("1 day ago", "昨日"),
        ("1 day ago", "きのう"),
        ("2 day ago", "一昨日"),
        ("2 day ago", "おととい"),
        ("0 week ago", "今週"),
        ("1 week ago", "先週"),
        ("2 week ago", "先々週"),
        ("0 month ago", "今月"),
        ("1 month ago", "先月"),
        ("0 year ago", "今年"),
        ("1 year ago", "昨年"),
        ("1 year ago", "去年"),
    ),
    numbers="一 二 三 四 五 六 七 八 九 十",
    last_session=r"前回|この前|先日|最近|どこまで(?:やりました|やった|進みました|進んだ)(?:か)?",
    topicless=(
        "私たち 私達 我々 私 僕 俺 は が を に で の と も へ から まで について "
        "何 なに どんな どの "
        "しました していました した していた して する やりました やった やって "
        "作業 仕事 話しました 話した 話 議論 取り組みました 取り組んだ 起きました 起きた "
        "ありました あった 決めました 決めた 終わりました 終わった "
        "こと もの か ね よ ですか です でしたか "
        "教えて ください まとめて 一覧"
    ),
)

KOREAN: Final = TimeWords(
    recent=r"(?:지난|최근)",
    weekend=r"(?:지난 |이번 )?주말",
    today=r"오늘 (?:아침|오전|오후|저녁|밤)",
    last_night=r"어젯밤|어제 (?:아침|오전|오후|저녁|밤)",
    other_phrases=(
        ("0 day ago", "오늘"),
        ("1 day ago", "어제"),
        ("2 day ago", "그저께"),
        ("2 day ago", "그제"),
        ("0 week ago", "이번 주"),
        ("0 week ago", "이번주"),
        ("1 week ago", "지난 주"),
        ("1 week ago", "지난주"),
        ("1 month ago", "지난 달"),
        ("1 month ago", "지난달"),
        ("1 year ago", "작년"),
    ),
    numbers="한 두 세 네 다섯 여섯 일곱 여덟 아홉 열",
    last_session=r"지난\s?번|저번|최근|어디까지\s?(?:했|진행했)",
    topicless=(
        "우리가 우리는 우리 내가 나는 제가 저는 뭐 뭘 무엇을 무엇 무슨 어떤 했어 했지 했나 했나요 "
        "했습니까 했는지 했어요 한 일 일을 하고 있었어 있었나요 작업 작업했어 작업을 일했어 "
        "이야기 이야기했어 얘기 얘기했어 논의했어 일이 있었지 것 것을 "
        "에 에는 은 는 이 가 을 를 도 요 "
        "알려줘 보여줘 요약해줘"
    ),
)

TURKISH: Final = TimeWords(
    last=r"geçen|son|önceki",
    this=r"bu",
    recent=r"son",
    weekend=r"hafta sonu",
    other_phrases=(
        ("0 week ago", "bu hafta"),
        ("1 week ago", "geçen hafta"),
        ("1 month ago", "geçen ay"),
        ("1 year ago", "geçen yıl"),
        ("2 day ago", "evvelsi gün"),
        ("2 day ago", "önceki gün"),
    ),
    numbers="bir iki üç dört beş altı yedi sekiz dokuz on",
    few=(("birkaç", 5),),
    last_session=(
        r"son seferde|geçen sefer|en son|son zamanlarda|geçenlerde|nerede kalmıştık|nerede kaldık"
    ),
    topicless=(
        "ne neler neyi hangi kim nerede nasıl neden biz ben sen siz yaptık yaptım yaptın yapıldı "
        "yaptınız yapmıştık yapıyorduk çalıştık çalıştım üzerinde oldu olmuştu konuştuk konuştum "
        "tartıştık söyledik bitirdik karar verdik ve veya ile için bir bu şu o şey şeyler her gün "
        "günü zaman oturum hakkında mi mı mu mü"
    ),
)

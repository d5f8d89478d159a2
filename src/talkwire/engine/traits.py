"""What can be told of a request at a glance: how long it is, and what it seems to ask for.

Pure, and cheap enough to be told of each message: a few passes over at most 1,500 characters.
"""

from __future__ import annotations

import re

from msgspec import Struct

from talkwire.engine.window import estimate_tokens

LOOKED_AT_CHARS = 1_500

_CODE_BLOCK = re.compile(r"```|^(?: {4}|\t)\S.*[;{}()=]|^Traceback|^[ \t]+at \S+\(", re.MULTILINE)
_CODE = re.compile(
    r"(?i)\b(?:def|class|import|return|const|let|var|void|struct|async|await|npm|pip|docker|"
    r"kubernetes|kubectl|regex\w*|apis?|sql|postgres\w*|mysql|redis|kafka|queries|query|index(?:es)?|"
    r"schema|python|java|javascript|typescript|react|vue|django|flask|fastapi|rust|golang|c\+\+|"
    r"bash|stack ?trace|traceback|exception|segfault|deadlocks?|race conditions?|mutex|goroutines?|"
    r"unit tests?|refactor\w*|compiler|parser|cache|thread(?:s|ing)?|backend|microservices?)\b"
    r"|代码|函数|脚本|报错|正则|算法|接口|数据库|编译|调试|重构|单元测试|并发|爬虫|语句|索引|线程|死锁|事务"
    r"|缓存|源码|引擎|架构|组件|=>|::|!=|==|\(\)"
)
_MAKES = re.compile(
    r"(?i)\b(?:implement|build|design|create|develop|generate|draft|compose|refactor|debug|"
    r"optimi[sz]e|review|migrate|port|rewrite the|write (?:a|an|me|the|some|code|unit|tests?))\b"
    r"|写一[个段份篇套首]|写个|写篇|实现|编写|设计|开发|优化|重构|改造|起草|修复|撰写|搭建|迁移|拆[分任解]"
    r"|\b(?:schreibe?|entwirf|escribe|diseña|écris|rédige|conçois)\b|書いて|作成"
)
_REASONS = re.compile(
    r"(?i)\b(?:prove|proof|derive|show that|step[- ]by[- ]step|explain (?:why|how)|reasons?|"
    r"reasoning|think (?:hard|carefully|through|step)|analy[sz]e|analysis|compare|contrast|"
    r"evaluate|assess|trade-?offs?|pros and cons|root cause|in depth|in detail|detailed|"
    r"thorough\w*|implications?|critique|strateg\w+|plan(?:ning)?|roadmap|argue|argument|steelman|"
    r"crux|hypothes[ie]s|diagnos\w*|estimate|calculate|probability|generali[sz]e|"
    r"why (?:would|does|do|is|are|did)|should (?:i|we)|"
    r"how (?:should|would) (?:i|we|you)|walk me through)\b"
    r"|证明|推导|逐步|一步一步|一步步|详细|深入|分析|比较|对比|评估|利弊|优缺点|权衡|论证|策略|方案|规划|计划"
    r"|根本原因|推理|思考过程|概率|求解|计算|诊断|综合|论述|解读|影响|严格|说明理由|反例|推出|维权|里程碑|风险"
    r"|预案|为什么|怎么(?:改|办|设计|排查|定位|权衡|选)|如何"
    r"|\b(?:ausführlich|vergleiche?|beweise?|analysiere|demuestra|explica|compara|analiza|"
    r"démontre[rz]?|analyse[rz]?|explique[rz]?)\b|証明|分析|比較"
)
_MATHS = re.compile(
    r"(?i)\d\s*[+\-*/^=<>≤≥]\s*[\dxyn(]|√|∫|∑|∞|\\frac|\b[xyn]\s*[\^=]|\b(?:integral|derivative|"
    r"matri(?:x|ces)|theorem|equations?|modulo|eigen\w*|invertible|inverse|nilpotent|prime|polygon|"
    r"convex|triangle|combinat\w+|permutations?|dice|mph|km/h|converge\w*|series|induction)\b"
    r"|方程|积分|导数|矩阵|定理|数列|几何|不等式|根号|质数|素数|概率|排列|组合数|最大值|最小值|相遇|速度|归纳"
)
_LIMITS = re.compile(
    r"(?i)\b(?:must|at least|at most|exactly|without using|constraints?|requirements?|include|"
    r"including|covering|cover|table|json|each|explicitly|edge cases?|tests?|and then|also)\b"
    r"|必须|至少|至多|不超过|不得|要求|要(?:给出|有|包括|考虑)|每个|表格|字以内|条件|分别|并(?:给|说|指|解|标|附)"
    r"|以及|标出|给出|最好|包括|包含|考虑"
)
_DEPTH = re.compile(
    r"(?i)\b(?:contract\w*|lawsuit|sue|liab\w+|legal|clause|tax(?:es)?|incorporat\w+|visa|"
    r"symptoms?|dosage|diagnosis|medication|chronic|mg|mortgage|invest\w*|portfolio|pension|"
    r"negotiat\w+|essay|article|short story|screenplay|sonnet|novel|business plan|curriculum|"
    r"itinerary|architecture|scal(?:e|ing|ability)|throughput|latency|compliance|gdpr)\b"
    r"|合同|赔偿|劳动|法律|律师|税|签证|症状|剂量|用药|检查报告|贷款|投资|理财|养老|谈判|论文|小说|剧本|故事"
    r"|文章|商业计划|课程|行程|架构|高可用|扩展性|合规|起诉|条款|公司|融资"
)
_CHATS = re.compile(
    r"(?i)^\W*(?:hi|hello|hey|thanks?|thank you|good (?:morning|night|evening)|bye|ok(?:ay)?|lol|"
    r"yes|no|sure|cool|nice|oh my|你好|您好|嗨|谢谢|早上好|晚安|再见|好的|哈哈|在吗|嗯|哦|早)"
    r"|\b(?:haha|lol|need a hug|say something nice|cheer me up|chat with me)\b"
    r"|陪我聊|聊两句|夸夸我|安慰"
)
_SIMPLE = re.compile(
    r"(?i)\b(?:translate|what(?:'s| is) the (?:capital|word|name|time)|how do you (?:say|spell)|"
    r"define|mean(?:ing|s)?|synonyms?|spell(?:ing|ed)?|capital of|reply (?:only|with)|"
    r"(?:just|only) (?:say|reply|answer|tell|give|the|want|need)|one word|in one sentence|briefly|"
    r"grammar|more polite\w*|what language|which year|how many (?:days|people|legs))\b"
    r"|翻译|什么意思|怎么(?:说|读|写|拼)|拼音|近义词|反义词|首都|几点|哪年|哪个(?:国|城|省)|多少(?:天|米|克|公里)"
    r"|一句话|简单(?:说|讲|介绍)|只(?:回复|回答|要|想|告诉|说|需)|就行|简短|换个说法|润色|委婉|委婉些|改得"
    r"|是不是|是.{1,4}吗|吗[?？]?$|叫什么"
)
_NOW = re.compile(
    r"(?i)\b(?:today|tonight|tomorrow|yesterday|last night|latest|current(?:ly)?|right now|news|"
    r"price of|stocks?|search|look up|browse|this week(?:end)?|who won|score|forecast|weather|"
    r"flights?|tickets?)\b"
    r"|今天|今晚|明天|昨晚|昨天|后天|最新|现在|目前|新闻|股价|查一下|搜|实时|本周|周末|汇率|天气|下雨|车票|机票"
    r"|高铁|航班|比赛|结果|多少钱|行情|余票|限行"
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_CLAUSE = re.compile(r"[,，;；:：、.。]")


class Traits(Struct, frozen=True):
    """Counts are of matches, bounded so that no trait of a long text drowns all others."""

    tokens: int
    code_blocks: int
    code: int
    makes: int
    reasons: int
    maths: int
    limits: int
    depth: int
    numbers: int
    clauses: int
    lines: int
    chats: bool
    simple: int
    now: int


def traits(text: str) -> Traits:
    """The traits of a message; of a very long one its ends are looked at."""
    half = LOOKED_AT_CHARS // 2
    seen = text if len(text) <= LOOKED_AT_CHARS else f"{text[:half]}\n{text[-half:]}"
    return Traits(
        tokens=estimate_tokens(text),
        code_blocks=_count(_CODE_BLOCK, seen),
        code=_count(_CODE, seen),
        makes=_count(_MAKES, seen),
        reasons=_count(_REASONS, seen),
        maths=_count(_MATHS, seen),
        limits=_count(_LIMITS, seen),
        depth=_count(_DEPTH, seen),
        numbers=_count(_NUMBER, seen, 12),
        clauses=_count(_CLAUSE, seen, 40),
        lines=min(seen.count("\n"), 50),
        chats=_CHATS.search(seen) is not None,
        simple=_count(_SIMPLE, seen),
        now=_count(_NOW, seen),
    )


def _count(pattern: re.Pattern[str], text: str, most: int = 6) -> int:
    found = 0
    for _ in pattern.finditer(text):
        found += 1
        if found == most:
            break
    return found

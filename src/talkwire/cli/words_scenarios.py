"""What is said of catalogues of scenarios, in English and Chinese; a part of `words.py`."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "catalogue_bad": (
        "{path} cannot be used; problems: {count}. A server would refuse it, or keep to the last"
        " good one.",
        "{path} 无法使用，共 {count} 处问题。服务器会拒绝加载，或继续使用上一份正确的内容。",
    ),
    "catalogue_more": ("… and {count} more", "……还有 {count} 处"),
    "catalogue_mend": (
        "Mend them and look again:  talkwire scenarios check {path}",
        "请修改后重新检查：talkwire scenarios check {path}",
    ),
    "catalogue_good": ("{path} can be used.", "{path} 可以使用。"),
    "catalogue_found": ("what", "项目"),
    "catalogue_count": ("how many", "数量"),
    "catalogue_categories": ("categories", "类别"),
    "catalogue_scenarios": ("scenarios", "场景"),
    "catalogue_utterances": ("utterances", "例句"),
    "catalogue_steps": ("steps of flows", "流程步骤"),
    "catalogue_slots": ("slots", "信息项"),
    "catalogue_sops": ("SOP files", "SOP 文件"),
    "catalogue_passages": ("passages of SOPs", "SOP 段落"),
    "catalogue_bilingual": ("scenarios in both languages", "中英双语的场景"),
    "catalogue_of_languages": (
        "{count} ({zh} Chinese, {en} English)",
        "{count}（中文 {zh}，英文 {en}）",
    ),
    "catalogue_warnings": ("Worth a look:", "值得留意："),
    "catalogue_no_utterances": (
        "no utterances: only title and description can find it",
        "没有例句：只能凭标题和说明匹配",
    ),
    "catalogue_few_utterances": (
        "no utterances in {language}: customers who write it are understood worse",
        "没有{language}例句：用{language}提问时识别较差",
    ),
    "catalogue_no_steps": (
        "no steps: it answers from its SOPs alone",
        "没有流程步骤：只能依据 SOP 回答",
    ),
    "catalogue_nothing": (
        "neither steps nor SOPs: there is nothing to answer from",
        "既没有流程步骤也没有 SOP：没有可回答的内容",
    ),
    "catalogue_unused": (
        "no scenario names this SOP file",
        "没有任何场景引用此 SOP 文件",
    ),
    "chinese": ("Chinese", "中文"),
    "english": ("English", "英文"),
    "scenario_category": ("category 类别", "类别 category"),
    "scenario_subcategory": ("subcategory 子类", "子类 subcategory"),
    "scenario_title": ("title 标题", "标题 title"),
    "scenario_utterances": ("utterances 例句", "例句 utterances"),
    "scenario_steps": ("steps 步骤", "步骤 steps"),
    "scenario_sops": ("SOPs 流程", "流程 SOPs"),
    "scenario_description": ("Description 说明", "说明 Description"),
    "scenario_flow": ("Flow 流程", "流程 Flow"),
    "scenario_slots": ("Slots 信息项", "信息项 Slots"),
    "scenario_related": ("Related 相关子类", "相关子类 Related"),
    "scenario_extra": ("Further keys 其他字段", "其他字段 Further keys"),
    "scenario_slot": ("slot 信息项", "信息项 slot"),
    "scenario_label": ("label 名称", "名称 label"),
    "scenario_values": ("values 取值", "取值 values"),
    "scenario_context": ("facts 事实字段", "事实字段 facts"),
    "scenario_required": ("required 必填", "必填 required"),
    "scenario_if": ("if {condition}", "如果 {condition}"),
    "scenario_or": (" or ", " 或 "),
    "scenario_and": (" and ", " 且 "),
    "scenario_ask": ("ask for {slot} and wait", "询问 {slot} 并等待"),
    "scenario_ask_on": ("ask for {slot}, without waiting", "询问 {slot}，不等待"),
    "scenario_check": ("look at {slot}", "查看 {slot}"),
    "scenario_check_alone": ("look", "查看"),
    "scenario_answer": ("answer", "回答"),
    "scenario_hand_over": ("pass to a person", "转人工"),
    "scenario_passages": ("{count} passages", "{count} 个段落"),
    "scenario_none": ("none", "无"),
    "scenario_count": (
        "{count} of {total} scenarios",
        "共 {total} 个场景，列出 {count} 个",
    ),
    "no_scenario": (
        "There is no scenario {name!r}. Near it: {names}\nAll of them:  talkwire scenarios list",
        "没有场景 {name!r}。相近的有：{names}\n查看全部：talkwire scenarios list",
    ),
    "no_scenario_near": (
        "There is no scenario {name!r}, and none is like it. All of them:  talkwire scenarios list",
        "没有场景 {name!r}，也没有相近的。查看全部：talkwire scenarios list",
    ),
    "many_scenarios": (
        "{name!r} may be one of these: {names}\nSay which with --category CATEGORY.",
        "{name!r} 可能是：{names}\n请用 --category 指明类别。",
    ),
    "no_category": (
        "There is no category {name!r}. These are: {names}",
        "没有类别 {name!r}。现有类别：{names}",
    ),
    "catalogue_refused": (
        "The catalogue {path} cannot be used:\n{problems}\nAll that is wrong:"
        "  talkwire scenarios check {path}",
        "目录 {path} 无法使用：\n{problems}\n查看全部问题：talkwire scenarios check {path}",
    ),
    "try_nothing": (
        "There is nothing to try. Give the text in quotes.",
        "没有内容可试。请用引号给出一句话。",
    ),
    "try_after": ("after: {text}", "在此之后：{text}"),
    "try_answer": ("answers from {scenario}", "依据 {scenario} 回答"),
    "try_clarify": ("asks which one is meant: {names}", "询问是哪一种：{names}"),
    "try_hand_over": ("passes to a person", "转人工"),
    "try_out_of_scope": ("says that it is no matter for this desk", "告知不在服务范围内"),
    "try_confidence": ("confidence {confidence}: {reasons}", "置信度 {confidence}：{reasons}"),
    "try_known": ("known: {slots}", "已知：{slots}"),
    "try_aside": (
        "no scenario's matter, or for a person: {confidence}",
        "与任何场景无关或需要人工的可能：{confidence}",
    ),
    "try_ranking": ("The ranking, by confidence", "排序（按置信度）"),
    "try_says": ("It would say:", "回答内容："),
    "no_labelled": (
        "There are no labelled texts beside {path}. Name a CSV of them: docs/scenarios.md tells"
        " its columns.",
        "{path} 旁边没有标注数据。请指定一个 CSV（各列说明见 docs/scenarios.md）。",
    ),
    "bad_labelled": (
        "These labelled texts cannot be used with {path}:\n{reason}",
        "以下标注数据无法用于 {path}：\n{reason}",
    ),
    "needs_extra": (
        "This needs {name}, which is not installed:  pip install 'talkwire[scenarios]'",
        "此功能需要 {name}，尚未安装：pip install 'talkwire[scenarios]'",
    ),
    "learn_where": (
        "--learn needs --weights FILE: where to write what is learned.",
        "--learn 需要 --weights FILE：学到的权重写到哪里。",
    ),
    "write_what": (
        "--write is for the sample's own figures: leave PATH, --split and --weights away.",
        "--write 只用于内置示例的指标：请去掉 PATH、--split 和 --weights。",
    ),
    "no_page": (
        "{path} is not there, or has not the two marks {begin} and {end}. Run this where the"
        " source is.",
        "没有 {path}，或其中缺少 {begin} 和 {end} 两个标记。请在源码目录中运行。",
    ),
    "learning": ("learning from the labelled texts…", "正在从标注数据学习…"),
    "measuring": ("ranking the labelled texts…", "正在评估标注数据…"),
    "file_written": ("written: {path}", "已写入：{path}"),
    "figure_title": (
        "{texts} labelled texts ({split}), {scenarios} scenarios; shares in %",
        "{texts} 条标注数据（{split}），{scenarios} 个场景；比例单位 %",
    ),
    "figure_of": ("of", "范围"),
    "figure_all": ("all", "全部"),
    "figure_texts": ("texts", "条数"),
    "figure_top_1": ("right", "场景正确"),
    "figure_top_3": ("in first three", "前三之内"),
    "figure_out_of_scope_recall": ("out of scope found", "范围外识别"),
    "figure_out_of_scope_precision": ("named out: right", "判外正确"),
    "figure_false_out_of_scope": ("named out: wrong", "误判范围外"),
    "figure_person_recall": ("human found", "人工识别"),
    "figure_follow_up": ("follow ups stay", "追问留住"),
    "figure_asked": ("asks back", "反问"),
    "figure_switch": (
        "Of {of} plain texts in a conversation about something else, {share} are taken for what"
        " they are.",
        "{of} 条普通问题放进谈论其他事情的对话中，{share} 仍判断正确。",
    ),
    "figure_reliability": ("Is the confidence true?", "置信度是否可信"),
    "figure_bin": ("confidence", "置信度"),
    "figure_mean": ("mean confidence", "平均置信度"),
    "figure_right": ("right", "正确"),
    "figure_errors": (
        "Calibration error: {width} in bins of equal width, {count} in bins of equal count.",
        "校准误差：等宽分箱 {width}，等量分箱 {count}。",
    ),
    "figure_abstention": ("If only the surest are decided", "只处理最有把握的"),
    "figure_coverage": ("decided", "处理比例"),
    "figure_from": ("from confidence", "置信度下限"),
    "figure_confused": ("Most often taken for another", "最常混淆"),
    "figure_labelled": ("labelled", "标注"),
    "figure_given": ("taken for", "判为"),
    "figure_count": ("times", "次数"),
    "figure_none": ("(out of scope, or for a person)", "（范围外或要人工）"),
    "import_unreadable": (
        "{path} cannot be read: {reason}",
        "无法读取 {path}：{reason}",
    ),
    "import_large": (
        "{path} is larger than {size} MiB; no catalogue is.",
        "{path} 大于 {size} MiB，不可能是场景目录。",
    ),
    "import_encoding": (
        "{path} is not UTF-8 (line {line}). Save it as UTF-8: spreadsheets call it “CSV UTF-8”.",
        "{path} 不是 UTF-8 编码（第 {line} 行）。请另存为 UTF-8：表格软件中叫作“CSV UTF-8”。",
    ),
    "import_kind": (
        "{path} is neither a CSV nor a JSON file, by its name. Name it .csv or .json.",
        "从文件名看，{path} 既不是 CSV 也不是 JSON。请改名为 .csv 或 .json。",
    ),
    "import_columns": (
        "{path} has no column {missing}. Its first line must name the columns category,"
        " subcategory and description, and may name examples, related and sops (several in one"
        " cell with | between them).",
        "{path} 缺少列 {missing}。第一行必须写明 category、subcategory、description 三列，"
        "还可以有 examples、related、sops（一格中有多个时用 | 分隔）。",
    ),
    "import_csv": ("{path}, line {line}: {reason}", "{path} 第 {line} 行：{reason}"),
    "import_cells": (
        "has {found} cells, and there are {wanted} columns; put quotes around cells with commas",
        "有 {found} 格，但只有 {wanted} 列；含逗号的格请加引号",
    ),
    "import_json": (
        "{path} is not the answer of a server's GET /scenarios: {reason}",
        "{path} 不是服务器 GET /scenarios 的返回：{reason}",
    ),
    "import_json_shape": (
        'expected {{"categories": {{CATEGORY: [{{"subcategory": …, "description": …}}]}}}}',
        '应形如 {{"categories": {{类别: [{{"subcategory": …, "description": …}}]}}}}',
    ),
    "import_json_ours": (
        "it is a catalogue already. Look at it with:  talkwire scenarios check {path}",
        "它已经是场景目录。请检查：talkwire scenarios check {path}",
    ),
    "import_nothing": ("{path} has no scenarios.", "{path} 中没有场景。"),
    "import_left": (
        "Column {name!r} is not known and was left out.",
        "未知的列 {name!r}，已忽略。",
    ),
    "import_unrelated": (
        "{scenario}: the related {name!r} is no subcategory here and was left out.",
        "{scenario}：相关子类 {name!r} 不存在，已略去。",
    ),
    "import_no_sops": (
        "These SOP files are named and not in {folder}: {names}\nName their folder with --sops"
        " FOLDER, or take them out of {path}.",
        "引用了以下 SOP 文件，但 {folder} 中没有：{names}\n请用 --sops 指明所在文件夹，"
        "或从 {path} 中删去。",
    ),
    "import_there": (
        "{path} is there already. --force overwrites it, --out PATH writes elsewhere.",
        "{path} 已存在。可用 --force 覆盖，或用 --out 指定其他位置。",
    ),
    "import_done": (
        "{count} scenarios written to {path}, {sops} SOP files to {folder}.",
        "已将 {count} 个场景写入 {path}，{sops} 个 SOP 文件写入 {folder}。",
    ),
    "import_dry": (
        "Nothing was written (--dry-run): {count} scenarios would go to {path}, {sops} SOP files to"
        " {folder}.",
        "未写入任何内容（--dry-run）：将写入 {count} 个场景到 {path}，"
        "{sops} 个 SOP 文件到 {folder}。",
    ),
}

"""What is said to the person at the terminal, in English and Chinese."""

from __future__ import annotations

from talkwire.cli import words_routing, words_scenarios
from talkwire.settings import language

WORDS: dict[str, tuple[str, str]] = {
    **words_scenarios.WORDS,
    **words_routing.WORDS,
    "serving": ("Talkwire {version} serves at", "Talkwire {version} 已启动："),
    "answers": ("Model", "模型"),
    "data": ("Data", "数据"),
    "try": ("Try it", "试一试"),
    "or_chat": ("or, in another terminal: ", "或在另一个终端运行："),
    "stop": ("Ctrl-C stops it.", "按 Ctrl-C 停止。"),
    "open": (
        "Open to everyone who can reach it: no key is asked for (--open).",
        "任何能访问此地址的人都可使用：不要求密钥（--open）。",
    ),
    "port_used": (
        "Port {port} on {host} is in use by another program. Stop that one, or choose another"
        " port:  talkwire serve --port {other}",
        "{host} 的端口 {port} 已被其他程序占用。请停止该程序，或改用其他端口："
        "talkwire serve --port {other}",
    ),
    "port_refused": (
        "Port {port} may not be opened by this user. Choose one above 1023:"
        "  talkwire serve --port {other}",
        "当前用户无权使用端口 {port}。请选择大于 1023 的端口：talkwire serve --port {other}",
    ),
    "no_address": (
        "Cannot listen on {host}: {reason}. 127.0.0.1 is this machine alone.",
        "无法监听 {host}：{reason}。127.0.0.1 仅限本机访问。",
    ),
    "data_refused": (
        "Cannot write in the data folder {path}: {reason}. Choose another one:"
        "  talkwire serve --data-dir ./data",
        "无法写入数据目录 {path}：{reason}。请选择其他目录：talkwire serve --data-dir ./data",
    ),
    "asks_for_keys": (
        "Keys are asked for. Make one with:  talkwire keys create --name NAME",
        "需要密钥。创建密钥：talkwire keys create --name NAME",
    ),
    "not_started": (
        "Talkwire cannot start: {reason}\n  The database is {path}. Another one:"
        "  talkwire serve --data-dir ./data",
        "Talkwire 无法启动：{reason}\n  数据库：{path}。改用其他目录："
        "  talkwire serve --data-dir ./data",
    ),
    "not_started_there": (
        "Talkwire cannot start: {reason}\n  The database is {where}"
        " (database.url, or DATABASE_URL)."
        " See what is wrong with:  talkwire doctor",
        "Talkwire 无法启动：{reason}\n  数据库：{where}（database.url 或 DATABASE_URL）。"
        "检查各个部分：talkwire doctor",
    ),
    "workers": (
        "Processes: {count}; SIGHUP to {pid} replaces them one by one.",
        "进程数：{count}；向 {pid} 发送 SIGHUP 可逐个替换。",
    ),
    "no_agno": (
        "Agno is not installed:  pip install 'talkwire[agents]'",
        "未安装 Agno：pip install 'talkwire[agents]'",
    ),
    "bad_settings": ("These settings cannot be used:", "以下配置无法使用："),
    "key_made": (
        "Key {id} was made for {owner}. It is shown this once; keep it safe:",
        "已为 {owner} 创建密钥 {id}。密钥只显示这一次，请妥善保存：",
    ),
    "key_revoked": (
        "Key {id} opens nothing any more; its open streams end within 5 s.",
        "密钥 {id} 已吊销；其正在进行的数据流将在 5 秒内结束。",
    ),
    "no_key": (
        "There is no key {id}. These are there:  talkwire keys list",
        "没有密钥 {id}。查看现有密钥：talkwire keys list",
    ),
    "no_keys": (
        "There are no keys yet. Make one:  talkwire keys create --name NAME",
        "尚无密钥。创建一个：talkwire keys create --name NAME",
    ),
    "bad_scopes": (
        "Unknown scopes: {names}. Known are: {known}",
        "未知的权限范围：{names}。可用的有：{known}",
    ),
    "bad_expiry": (
        "--expires must be a time to come: 30d, 12h, 45m, or a date such as 2030-01-31",
        "--expires 必须是将来的时间：30d、12h、45m，或 2030-01-31 这样的日期",
    ),
    "bad_user": (
        "--user must be 1 to 255 visible characters, and must not begin with key:",
        "--user 必须是 1 到 255 个可见字符，且不能以 key: 开头",
    ),
    "bad_limit": ("--rpm and --tpm must be at least 1", "--rpm 和 --tpm 至少为 1"),
    "bad_budget": (
        "--budget-… must be at least 1 token, --cost-… more than 0",
        "--budget-… 至少为 1 个 token，--cost-… 必须大于 0",
    ),
    "db_upgraded": (
        "The database is at revision {revision} now (it was at {before}).",
        "数据库已升级到版本 {revision}（原版本：{before}）。",
    ),
    "db_current": (
        "The database is at revision {revision}, as this version of Talkwire needs it.",
        "数据库版本为 {revision}，符合当前 Talkwire 版本的要求。",
    ),
    "db_behind": (
        "The database is at revision {revision}; this version of Talkwire needs {needed}."
        " Bring it up to date:  talkwire db upgrade",
        "数据库版本为 {revision}，当前 Talkwire 版本需要 {needed}。升级：talkwire db upgrade",
    ),
    "db_ahead": (
        "The database is at revision {revision}, which a newer version of Talkwire made;"
        " this one needs {needed}.",
        "数据库版本为 {revision}，由更新的 Talkwire 版本创建；当前版本需要 {needed}。",
    ),
    "no_storage": (
        "The database cannot be used: {reason}",
        "无法使用数据库：{reason}",
    ),
    "no_server": (
        "No server answers at {url}. Start one with:  talkwire serve",
        "{url} 没有服务器应答。请先启动：talkwire serve",
    ),
    "key_needed": (
        "{url} asks for a key. Whoever runs it makes one with:  talkwire keys create --name NAME\n"
        "Then set the variable TALKWIRE_API_KEY to it, or name a file that holds it: --key-file"
        " PATH",
        "{url} 要求密钥。由服务器管理员创建：talkwire keys create --name NAME\n"
        "然后将环境变量 TALKWIRE_API_KEY 设为该密钥，或用 --key-file PATH 指定保存密钥的文件",
    ),
    "key_refused": (
        "{url} does not take this key: it is not known there, has expired, or was revoked."
        " Whoever runs it sees all keys with `talkwire keys list`, and makes one with:"
        "  talkwire keys create --name NAME\n"
        "Then set the variable TALKWIRE_API_KEY to the new one, or write it to the --key-file.",
        "{url} 不接受此密钥：密钥未知、已过期或已被吊销。服务器管理员可用 `talkwire keys list` 查看"
        "全部密钥，并重新创建：talkwire keys create --name NAME\n"
        "然后将环境变量 TALKWIRE_API_KEY 设为新密钥，或写入 --key-file 指定的文件。",
    ),
    "key_may_not": (
        "The server forbids it: {message}\nWhoever runs it makes a key that may with:"
        "  talkwire keys create --scopes SCOPES",
        "服务器不允许此操作：{message}\n由服务器管理员创建有相应权限的密钥："
        "talkwire keys create --scopes SCOPES",
    ),
    "limited": (
        "Too much was asked for now. Ask again in {seconds:.0f} s.",
        "请求过于频繁，请在 {seconds:.0f} 秒后重试。",
    ),
    "bad_key_file": (
        "The key file {path} cannot be read: {reason}",
        "无法读取密钥文件 {path}：{reason}",
    ),
    "bad_key": (
        "{source} does not hold a key: one line is wanted, as `talkwire keys create` prints it.",
        "{source} 中没有密钥：应为一行，即 `talkwire keys create` 输出的内容。",
    ),
    "bad_url": (
        "Expected an address such as http://127.0.0.1:8000",
        "地址应形如 http://127.0.0.1:8000",
    ),
    "reconnecting": ("reconnecting…", "正在重新连接…"),
    "gave_up": (
        "No connection for {seconds:.0f} s. The answer goes on without you; read it later with:"
        "  talkwire replay {turn}",
        "{seconds:.0f} 秒内未能连接。回答仍在继续，之后可用以下命令查看：talkwire replay {turn}",
    ),
    "refused": ("The server refused: {message}", "服务器拒绝了请求：{message}"),
    "failed": ("The answer failed: {message} ({code})", "回答失败：{message}（{code}）"),
    "aborted": ("stopped", "已停止"),
    "stopping": ("stopping… (Ctrl-C again quits)", "正在停止…（再按 Ctrl-C 退出）"),
    "attempt": (
        "the model did not answer, asking again ({attempt} of {max_attempts})",
        "模型未应答，正在重试（{attempt}/{max_attempts}）",
    ),
    "hello": (
        "Talking to {url}. /help tells what can be done; Ctrl-C stops an answer.",
        "已连接 {url}。输入 /help 查看帮助；按 Ctrl-C 停止回答。",
    ),
    "help": (
        "/new   begin a new conversation\n/help  this list\n/quit  leave (or Ctrl-D)\n"
        "Ctrl-C stops the answer that is being written.",
        "/new   开始新的对话\n/help  显示此帮助\n/quit  退出（或按 Ctrl-D）\n"
        "按 Ctrl-C 停止正在生成的回答。",
    ),
    "new": ("A new conversation.", "已开始新的对话。"),
    "unknown_command": ("Unknown command; /help lists them.", "未知命令；输入 /help 查看帮助。"),
    "session": (
        "Carry on later with:  talkwire chat --session {session}",
        "稍后继续：talkwire chat --session {session}",
    ),
    "no_wire": (
        "{name} is no wire that is spoken here. These are: native, tool-chat",
        "此处不支持接口 {name}。可用：native、tool-chat",
    ),
    "no_prompt_there": (
        "The wire {name} takes no --prompt.",
        "接口 {name} 不支持 --prompt。",
    ),
    "approval_wanted": (
        "The model wants to call {call}. Let it?",
        "模型请求调用 {call}。是否允许？",
    ),
    "approval_waits": (
        "This waits for a person. Decide with:  curl -X POST …/api/tools/{id}/decision"
        " -d '{{\"approve\": true}}'",
        "该调用正在等待人工批准。可用以下命令决定：curl -X POST …/api/tools/{id}/decision"
        " -d '{{\"approve\": true}}'",
    ),
    "result_is_error": ("error", "错误"),
    "result_summarized": ("summarized", "已摘要"),
    "result_truncated": ("cut", "已截断"),
    "no_tools": (
        "No tools are configured. Switch one on (tools.builtin), name a module (tools.module), or"
        " list MCP servers (mcpServers).",
        "尚未配置任何工具。可启用内置工具（tools.builtin）、指定模块（tools.module）"
        "或列出 MCP 服务器（mcpServers）。",
    ),
    "no_tool": (
        "There is no tool {name!r}. Near it, or on offer: {names}",
        "没有工具 {name!r}。相近或可用的工具：{names}",
    ),
    "tools_connecting": ("connecting: {names}", "正在连接：{names}"),
    "tools_failed": ("The server {name} failed: {reason}", "服务器 {name} 连接失败：{reason}"),
    "tool_bad_json": (
        'The arguments must be a JSON object, such as \'{{"expression": "6*7"}}\': {reason}',
        '参数必须是 JSON 对象，例如 \'{{"expression": "6*7"}}\'：{reason}',
    ),
    "tool_agree": (
        "{name} needs your approval. Call it with {arguments}? [y/N]",
        "{name} 需要您的批准。是否以参数 {arguments} 调用？[y/N]",
    ),
    "tool_not_agreed": (
        "{name} needs a person's approval and was not called. --yes gives it.",
        "{name} 需要人工批准，未被调用。可用 --yes 表示批准。",
    ),
    "tool_late": ("The tool did not answer within {seconds} s.", "工具在 {seconds} 秒内没有应答。"),
    "tool_failed": ("The tool reported an error.", "工具报告了错误。"),
    "tool_cut": ("The result was longer than is kept.", "结果过长，已被截断。"),
    "tools_name": ("tool", "工具"),
    "tools_what": ("what it does", "用途"),
    "tools_arguments": ("arguments", "参数"),
    "tools_server": ("server", "服务器"),
    "tools_marks": ("notes", "备注"),
    "tools_streams": ("streams", "流式输出"),
    "tools_asks": ("asks first", "需要批准"),
    "tools_transport": ("transport", "传输方式"),
    "tools_status": ("status", "状态"),
    "tools_told": ("found", "情况"),
    "tools_count": ("{count} tools", "{count} 个工具"),
    "no_turn": ("There is no recorded turn {turn!r} here.", "这里没有回合 {turn!r} 的记录。"),
    "bad_file": ("{path} holds no recorded turn: {reason}", "{path} 不是回合记录：{reason}"),
    "not_written": ("{path} cannot be written: {reason}", "无法写入 {path}：{reason}"),
    "exported": ("{count} events written to {path}", "已将 {count} 个事件写入 {path}"),
}


def say(key: str, **values: object) -> str:
    """The sentence, in the language of the terminal."""
    return WORDS[key][language() == "zh"].format(**values)

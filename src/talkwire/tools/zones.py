"""Time zones by the names that people give them: of the database, of cities, and as offsets."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from talkwire.tools.near import near
from talkwire.tools.running import Refusal

_MOST_CHARS = 100
_ASKED = re.compile(r"^(?:what )?(?:is )?(?:the )?(?:now|time|clock)?\s*(?:now\s*)?(?:in|at)\s+")
_OFFSET = re.compile(r"(?:utc|gmt)?([+-])(\d{1,2})(?::?([0-5]\d))?")
_MOST_HOURS = 14

# Cities that the database knows by another one's name, and names in other scripts.
_CITIES = {
    "Africa/Johannesburg": "cape town, pretoria",
    "America/Chicago": "austin, dallas, houston, 芝加哥",
    "America/Los_Angeles": "san francisco, seattle, silicon valley, 旧金山, 洛杉矶, 西雅图",
    "America/New_York": "atlanta, boston, miami, nyc, philadelphia, washington, 纽约, 华盛顿",
    "America/Sao_Paulo": "rio de janeiro, são paulo, 圣保罗",
    "America/Toronto": "montreal, ottawa, 多伦多",
    "America/Vancouver": "温哥华",
    "Asia/Bangkok": "曼谷",
    "Asia/Dubai": "abu dhabi, 迪拜",
    "Asia/Ho_Chi_Minh": "hanoi, 河内",
    "Asia/Hong_Kong": "香港",
    "Asia/Kolkata": "bangalore, bengaluru, chennai, delhi, hyderabad, india, mumbai, new delhi, "
    "印度, 孟买",
    "Asia/Seoul": "korea, 首尔",
    "Asia/Shanghai": "beijing, chengdu, china, guangzhou, hangzhou, nanjing, shenzhen, wuhan, "
    "xi'an, 上海, 中国, 北京, 广州, 成都, 杭州, 深圳",
    "Asia/Singapore": "新加坡",
    "Asia/Taipei": "台北",
    "Asia/Tokyo": "japan, kyoto, osaka, 东京, 日本, 大阪",
    "Australia/Sydney": "canberra, 悉尼",
    "Europe/Berlin": "cologne, frankfurt, germany, hamburg, munich, 柏林",
    "Europe/Istanbul": "ankara",
    "Europe/London": "edinburgh, england, manchester, uk, 伦敦",
    "Europe/Madrid": "barcelona, spain, 马德里",
    "Europe/Moscow": "st petersburg, 莫斯科",
    "Europe/Paris": "france, lyon, marseille, 巴黎",
    "Europe/Rome": "italy, milan, naples, 罗马",
    "Europe/Zurich": "basel, bern, geneva, zürich, 苏黎世",
}


def find(place: str) -> tuple[str, tzinfo]:
    """The zone of a place, with its name: `Asia/Shanghai`, "shanghai", "now in Xi'an", `UTC+8`.

    :raises Refusal: there is none; near names are told.
    """
    asked = _plain(place[:_MOST_CHARS])
    asked = _ASKED.sub("", asked).strip(" ?") or "utc"
    if asked in ("utc", "gmt", "z"):
        return "UTC", timezone.utc  # noqa: UP017 - its name is UTC, as that of the others
    if offset := _OFFSET.fullmatch(asked.replace(" ", "")):
        return _fixed(offset)
    known = _known()
    name = known.get(asked)
    if name is None:
        raise Refusal(_told(place, asked, known))
    return name, ZoneInfo(name)


def _fixed(offset: re.Match[str]) -> tuple[str, tzinfo]:
    hours, minutes = int(offset[2]), int(offset[3] or 0)
    ahead = timedelta(hours=hours, minutes=minutes)
    if ahead > timedelta(hours=_MOST_HOURS):
        raise Refusal(f"No place on earth is more than {_MOST_HOURS} hours away from UTC.")
    name = f"UTC{offset[1]}{hours:02}:{minutes:02}"
    return name, timezone(-ahead if offset[1] == "-" else ahead, name)


@functools.cache
def _known() -> Mapping[str, str]:
    """What is asked for -> the name in the database. Reads the database's folder, once."""
    zones = sorted(available_timezones() - {"localtime", "Factory"}, key=lambda z: (-len(z), z))
    known: dict[str, str] = {}
    for zone in zones:
        # Where a city stands at several places, the shorter name is the one that people mean.
        known[_plain(zone.rpartition("/")[2])] = zone
    known |= {_plain(zone): zone for zone in zones}
    for zone, cities in _CITIES.items():
        if _plain(zone) in known:
            known |= {_plain(city): zone for city in cities.split(", ")}
    return known


def _plain(name: str) -> str:
    """Small letters without accents; underscores and runs of spaces are one space."""
    apart = unicodedata.normalize("NFKD", name)
    letters = "".join(each for each in apart if not unicodedata.combining(each))
    return " ".join(letters.lower().replace("_", " ").split())


def _told(place: str, asked: str, known: Mapping[str, str]) -> str:
    if not known:
        return "This server has no time zones: install tzdata. UTC and offsets (UTC+8) work."
    # One suggestion a zone, by the name that was nearest.
    found = {known[each]: None for each in near(asked, known, most=8, likeness=0.75)}
    hint = f" Did you mean {', '.join(list(found)[:5])}?" if found else ""
    return (
        f"There is no time zone {place[:_MOST_CHARS]!r}.{hint} "
        "Give a name such as Asia/Shanghai, a large city, or an offset such as UTC+8."
    )

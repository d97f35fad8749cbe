"""The addresses of each platform: its hosts, the forms its addresses have, and one spelling for each.

No kept library knows them. The canonical forms are the platforms' usual ones; none of them promises its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

#: Kind of an address that only its platform can resolve; nobody asks it here, so it equals no other address.
SHORT = "short link"


@dataclass(frozen=True)
class Form:
    """One form of a platform's addresses.

    ``pattern`` matches the whole address without scheme, host and slashes at either end, followed by the parameters in
    `PlatformLinks.parameters`, in that order: ``watch?v=abc``. ``canonical`` is filled in with its groups; a group
    whose name begins with ``name`` is a user's name, and written in small letters.
    """

    kind: str
    pattern: str
    canonical: str = ""

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)


@dataclass(frozen=True)
class PlatformLinks:
    """``hosts`` maps each host of the platform, without www, to what its paths are read with in front of them.

    ``short_hosts`` only hold short links. ``subdomains`` matches hosts that depend on language or user.
    ``parameters`` of the query carry a meaning, all others are dropped. ``reserved`` are first parts of a path that are
    pages of the platform rather than somebody's name. ``handle`` is the address that ``@name`` stands for.
    ``schemes`` are the platform's own, with the pattern of what follows and the address it stands for.
    """

    slug: str
    name: str
    hosts: Mapping[str, str]
    forms: tuple[Form, ...] = ()
    short_hosts: frozenset[str] = frozenset()
    subdomains: str = ""
    parameters: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset()
    handle: str = ""
    schemes: tuple[tuple[str, str], ...] = ()
    #: Second-level names that nobody else uses for a site of their own: under another ending they are a look-alike.
    labels: tuple[str, ...] = field(default=())


def _hosts(text: str) -> dict[str, str]:
    return dict.fromkeys(text.split(), "")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_IG = r"(?!\.)(?:[a-z0-9_]|\.(?!\.)){1,30}(?<!\.)"
_TG = r"[a-z][a-z0-9_]{3,31}"
_FB = r"[^/?#&=:@\s]{2,100}"
_SC = r"[a-z0-9_-]{1,100}"

PLATFORMS: tuple[PlatformLinks, ...] = (
    PlatformLinks(
        slug="instagram",
        name="Instagram",
        hosts=_hosts("instagram.com m.instagram.com instagr.am"),
        short_hosts=_words("ig.me"),
        labels=("instagram",),
        handle="https://instagram.com/{name}",
        reserved=_words(
            "about accounts api ar blog challenge developer direct directory download emails explore graphql help"
            " invites legal lite login nametag oauth p press privacy push reel reels session share static stories"
            " terms tv web your_activity"
        ),
        schemes=((r"instagram://user\?username=(?P<name>[\w.]+)", "https://instagram.com/{name}"),),
        forms=(
            Form("highlight", r"stories/highlights/(?P<id>\d+)", "https://www.instagram.com/stories/highlights/{id}/"),
            Form(
                "story", rf"stories/(?P<name>(?ai:{_IG}))/(?P<id>\d+)", "https://www.instagram.com/stories/{name}/{id}/"
            ),
            Form(
                "story", rf"stories/(?!highlights$)(?P<name>(?ai:{_IG}))", "https://www.instagram.com/stories/{name}/"
            ),
            Form(SHORT, r"(?:share|s)/.+"),
            Form("sound", r"reels/audio/(?P<id>\d+)", "https://www.instagram.com/reels/audio/{id}/"),
            Form("post", r"(?:[\w.]{1,30}/)?p/(?P<id>[\w-]{5,64})(?:/.*)?", "https://www.instagram.com/p/{id}/"),
            Form(
                "reel", r"(?:[\w.]{1,30}/)?reels?/(?P<id>[\w-]{5,64})(?:/.*)?", "https://www.instagram.com/reel/{id}/"
            ),
            Form("video", r"(?:[\w.]{1,30}/)?tv/(?P<id>[\w-]{5,64})(?:/.*)?", "https://www.instagram.com/tv/{id}/"),
            Form("channel", r"channel/(?P<id>[\w-]{5,64})", "https://www.instagram.com/channel/{id}/"),
            Form("live", rf"(?P<name>(?ai:{_IG}))/live(?:/\d+)?", "https://www.instagram.com/{name}/live/"),
            Form(
                "profile",
                rf"(?:_u/)?(?P<name>(?ai:{_IG}))"
                r"(?:/(?:reels|tagged|channel|followers|following|guides|igtv|feed|saved|photos|videos|posts|reposts|embed))?",
                "https://www.instagram.com/{name}/",
            ),
        ),
    ),
    PlatformLinks(
        slug="tiktok",
        name="TikTok",
        hosts={"tiktok.com": "", "m.tiktok.com": "", "us.tiktok.com": "", "live.tiktok.com": ""},
        short_hosts=_words("vm.tiktok.com vt.tiktok.com"),
        labels=("tiktok",),
        handle="https://tiktok.com/@{name}",
        forms=(
            Form(SHORT, r"t/[\w-]+"),
            Form("video", r"v/(?P<id>\d{6,25})(?:\.html)?", "https://m.tiktok.com/v/{id}.html"),
            Form(
                "video",
                r"(?:embed|embed/v2|player/v1|share/video)/(?P<id>\d{6,25})",
                "https://m.tiktok.com/v/{id}.html",
            ),
            Form(
                "video",
                r"@(?P<name>[\w.]{2,24}(?<!\.))/video/(?P<id>\d{6,25})(?:/.*)?",
                "https://www.tiktok.com/@{name}/video/{id}",
            ),
            Form(
                "photo",
                r"@(?P<name>[\w.]{2,24}(?<!\.))/photo/(?P<id>\d{6,25})(?:/.*)?",
                "https://www.tiktok.com/@{name}/photo/{id}",
            ),
            Form("live", r"@(?P<name>[\w.]{2,24}(?<!\.))/live", "https://www.tiktok.com/@{name}/live"),
            Form(
                "playlist",
                r"@(?P<name>[\w.]{2,24}(?<!\.))/playlist/(?P<id>[^/]+)",
                "https://www.tiktok.com/@{name}/playlist/{id}",
            ),
            Form("sound", r"music/(?P<id>[^/]*?-?\d{6,25})", "https://www.tiktok.com/music/{id}"),
            Form("hashtag", r"tag/(?P<name>[^/]{1,100})", "https://www.tiktok.com/tag/{name}"),
            Form("profile", r"@(?P<name>[\w.]{2,24}(?<!\.))", "https://www.tiktok.com/@{name}"),
        ),
    ),
    PlatformLinks(
        slug="youtube",
        name="YouTube",
        hosts={
            **_hosts("youtube.com m.youtube.com music.youtube.com gaming.youtube.com youtube-nocookie.com"),
            "youtu.be": "watch/",
        },
        labels=("youtube",),
        parameters=("v", "list", "lb"),
        handle="https://youtube.com/@{name}",
        reserved=_words(
            "about account ads api attribution_link audiolibrary browse channel clip channel_switcher copyright"
            " creators dashboard embed feed gaming hashtag howyoutubeworks intl jobs kids live live_dashboard"
            " live_stream login logout movies music my_videos new news oembed paid_memberships playlist playlists"
            " post premium press promos redirect reporthistory results robots.txt sharing shorts signin signup"
            " sports t terms trending tv upload user v vi watch watch_videos yt"
        ),
        forms=(
            Form("video", r"watch\?v=(?P<id>[\w-]{11})(?:&.*)?", "https://www.youtube.com/watch?v={id}"),
            Form(
                "video", r"(?:embed|v|e|vi|watch)/(?P<id>[\w-]{11})(?:[?&].*)?", "https://www.youtube.com/watch?v={id}"
            ),
            Form("short", r"shorts/(?P<id>[\w-]{11})(?:[?&].*)?", "https://www.youtube.com/shorts/{id}"),
            Form("live", r"live/(?P<id>[\w-]{11})(?:[?&].*)?", "https://www.youtube.com/live/{id}"),
            Form("clip", r"clip/(?P<id>[\w-]{10,50})(?:[?&].*)?", "https://www.youtube.com/clip/{id}"),
            Form(
                "playlist",
                r"(?:playlist|embed/videoseries)\?(?:v=[^&]*&)?list=(?P<id>[\w-]{10,80})",
                "https://www.youtube.com/playlist?list={id}",
            ),
            Form("post", r"post/(?P<id>[\w-]{10,80})", "https://www.youtube.com/post/{id}"),
            Form("post", r".+/(?:community|posts)\?lb=(?P<id>[\w-]{10,80})", "https://www.youtube.com/post/{id}"),
            Form("channel", r"channel/(?P<id>UC[\w-]{22})(?:[/?].*)?", "https://www.youtube.com/channel/{id}"),
            Form("channel", r"c/(?P<id>[^/?]{1,100})(?:[/?].*)?", "https://www.youtube.com/c/{id}"),
            Form("channel", r"user/(?P<id>[^/?]{1,100})(?:[/?].*)?", "https://www.youtube.com/user/{id}"),
            Form("channel", r"@(?P<name>[^/?@\s]{3,30})(?:[/?].*)?", "https://www.youtube.com/@{name}"),
            Form(
                "channel",
                r"(?P<id>[A-Za-z0-9]{3,50})(?:/(?:videos|about|featured))?",
                "https://www.youtube.com/{id}",
            ),
        ),
    ),
    PlatformLinks(
        slug="telegram",
        name="Telegram",
        hosts=_hosts("t.me telegram.me telegram.dog telegram.org web.telegram.org"),
        subdomains=rf"(?P<prefix>{_TG})\.t\.me",
        labels=("telegram",),
        parameters=("start", "boost", "story"),
        handle="https://t.me/{name}",
        reserved=_words(
            "a addemoji addlist addstickers addtheme apps auction bg blog boost c call confirmphone contact dl"
            " faq giftcode invoice iv joinchat k login m message msg nft privacy proxy resolve s setlanguage share"
            " socks stickers support tos username z"
        ),
        schemes=(
            (r"tg:(?://)?resolve\?domain=(?P<name>\w+)&post=(?P<id>\d+)(?:&.*)?", "https://t.me/{name}/{id}"),
            (r"tg:(?://)?resolve\?domain=(?P<name>\w+)&story=(?P<id>\d+)(?:&.*)?", "https://t.me/{name}/s/{id}"),
            (r"tg:(?://)?resolve\?domain=(?P<name>\w+)&start=(?P<id>[\w-]+)(?:&.*)?", "https://t.me/{name}?start={id}"),
            (r"tg:(?://)?resolve\?domain=(?P<name>\w+)(?:&.*)?", "https://t.me/{name}"),
            (r"tg:(?://)?boost\?domain=(?P<name>\w+)(?:&.*)?", "https://t.me/boost/{name}"),
            (r"tg:(?://)?join\?invite=(?P<id>[\w-]+)(?:&.*)?", "https://t.me/+{id}"),
            (r"tg:(?://)?privatepost\?channel=(?P<name>\d+)&post=(?P<id>\d+)(?:&.*)?", "https://t.me/c/{name}/{id}"),
        ),
        forms=(
            Form("private post", r"c/(?P<id>\d+(?:/\d+){1,2})(?:\?.*)?", "https://t.me/c/{id}"),
            Form("private channel", r"c/(?P<id>\d+)", "https://t.me/c/{id}"),
            Form("invite", r"(?:joinchat/|\+)(?P<id>(?!\d{5,15}$)[\w-]{8,64})(?:\?.*)?", "https://t.me/+{id}"),
            Form("boost", rf"boost/(?P<name>(?ai:{_TG}))(?:\?.*)?", "https://t.me/boost/{name}"),
            Form("boost", rf"(?:s/)?(?P<name>(?ai:{_TG}))\?boost=.*", "https://t.me/boost/{name}"),
            Form("story", rf"(?P<name>(?ai:{_TG}))/s/(?P<id>\d+)", "https://t.me/{name}/s/{id}"),
            Form("post", rf"(?:s/)?(?P<name>(?ai:{_TG}))/(?P<id>\d+(?:/\d+)?)(?:\?.*)?", "https://t.me/{name}/{id}"),
            Form(
                "bot",
                r"(?P<name>(?ai:[a-z]\w{1,28}bot))(?:/\w+)?\?start=(?P<id>[\w-]+)(?:&.*)?",
                "https://t.me/{name}?start={id}",
            ),
            Form("bot", r"(?P<name>(?ai:[a-z]\w{1,28}bot))(?:/\w+)?(?:\?.*)?", "https://t.me/{name}"),
            Form("channel", rf"(?:s/)?(?P<name>(?ai:{_TG}))(?:\?.*)?", "https://t.me/{name}"),
        ),
    ),
    PlatformLinks(
        slug="x",
        name="X",
        hosts=_hosts("x.com m.x.com mobile.x.com twitter.com m.twitter.com mobile.twitter.com"),
        short_hosts=_words("t.co pic.twitter.com pic.x.com"),
        labels=("twitter",),
        parameters=("screen_name",),
        handle="https://x.com/{name}",
        reserved=_words(
            "about account compose download explore hashtag help home i intent jobs login logout messages"
            " notifications oauth privacy search settings share signup status tos who_to_follow"
        ),
        forms=(
            Form("post", r"i/(?:web/)?status/(?P<id>\d+)(?:/.*)?", "https://x.com/i/status/{id}"),
            Form("space", r"i/spaces/(?P<id>\w+)(?:/.*)?", "https://x.com/i/spaces/{id}"),
            Form("group", r"i/communities/(?P<id>\d+)(?:/.*)?", "https://x.com/i/communities/{id}"),
            Form("list", r"i/lists/(?P<id>\d+)(?:/.*)?", "https://x.com/i/lists/{id}"),
            Form("live", r"i/broadcasts/(?P<id>\w+)(?:/.*)?", "https://x.com/i/broadcasts/{id}"),
            Form("profile", r"i/user/(?P<id>\d+)", "https://x.com/i/user/{id}"),
            Form("profile", r"intent/(?:user|follow)\?screen_name=(?P<name>\w{1,15})", "https://x.com/{name}"),
            Form(
                "post", r"(?P<name>\w{1,15})/status(?:es)?/(?P<id>\d+)(?:[/?].*)?", "https://x.com/{name}/status/{id}"
            ),
            Form("article", r"(?P<name>\w{1,15})/article/(?P<id>\d+)(?:/.*)?", "https://x.com/{name}/article/{id}"),
            Form(
                "profile",
                r"(?P<name>\w{1,15})(?:/(?:with_replies|media|likes|followers|following|highlights|articles|photo"
                r"|verified_followers|header_photo|superfollows|lists))?(?:\?.*)?",
                "https://x.com/{name}",
            ),
        ),
    ),
    PlatformLinks(
        slug="facebook",
        name="Facebook",
        hosts=dict.fromkeys(
            (
                "facebook.com",
                "m.facebook.com",
                "web.facebook.com",
                "mbasic.facebook.com",
                "touch.facebook.com",
                "business.facebook.com",
                "fb.com",
                "m.fb.com",
            ),
            "",
        ),
        subdomains=r"[a-z]{2}-[a-z]{2}\.facebook\.com",
        short_hosts=_words("fb.watch fb.me fb.gg"),
        labels=("facebook",),
        parameters=("id", "story_fbid", "v", "fbid", "set", "multi_permalinks"),
        handle="https://facebook.com/{name}",
        reserved=_words(
            "ads ajax bookmarks business careers checkpoint dialog directory events feed find-friends flx friends"
            " gaming groups hashtag help home.php l.php legal live login login.php marketplace me media messages"
            " messenger notifications pages people permalink.php photo photo.php photos places plugins policies"
            " policy privacy profile.php public r.php recover reel reels reg saved search settings share share.php"
            " sharer sharer.php stories story.php terms tr video.php videos watch"
        ),
        forms=(
            Form(SHORT, r"share/.+"),
            Form("profile", r"profile\.php\?id=(?P<id>\d+)(?:&.*)?", "https://www.facebook.com/profile.php?id={id}"),
            Form(
                "profile",
                r"(?:people|pages)/(?:[^/?]+/)*?(?P<id>\d{6,})(?:[/?].*)?",
                "https://www.facebook.com/profile.php?id={id}",
            ),
            Form("profile", r"p/[^/?]*?(?P<id>\d{6,})(?:[/?].*)?", "https://www.facebook.com/profile.php?id={id}"),
            Form(
                "post",
                r"(?:permalink|story)\.php\?id=(?P<page>\d+)&story_fbid=(?P<id>\w+)(?:&.*)?",
                "https://www.facebook.com/permalink.php?story_fbid={id}&id={page}",
            ),
            Form(
                "video",
                r"(?:watch(?:/live)?|video\.php)\?(?:id=[^&]*&)?v=(?P<id>\d+)(?:&.*)?",
                "https://www.facebook.com/watch/?v={id}",
            ),
            Form("reel", r"reels?/(?P<id>\d+)(?:[/?].*)?", "https://www.facebook.com/reel/{id}"),
            Form("story", r"stories/(?P<id>\d+(?:/[^/?]+)?)(?:[/?].*)?", "https://www.facebook.com/stories/{id}"),
            Form(
                "photo",
                r"photo(?:\.php)?\?(?:id=[^&]*&)?fbid=(?P<id>\d+)(?:&.*)?",
                "https://www.facebook.com/photo/?fbid={id}",
            ),
            Form(
                "photo",
                rf"{_FB}/photos/(?:[^/?]+/)*?(?P<id>\d{{6,}})(?:[/?].*)?",
                "https://www.facebook.com/photo/?fbid={id}",
            ),
            Form(
                "album",
                r"media/set\?(?:id=[^&]*&)?set=(?P<id>[\w.]+)(?:&.*)?",
                "https://www.facebook.com/media/set/?set={id}",
            ),
            Form("event", r"events/(?:[^/?]+/)*?(?P<id>\d{6,})(?:[/?].*)?", "https://www.facebook.com/events/{id}"),
            Form(
                "group post",
                rf"groups/(?P<name>{_FB})/(?:posts|permalink)/(?P<id>\w+)(?:[/?].*)?",
                "https://www.facebook.com/groups/{name}/posts/{id}",
            ),
            Form(
                "group post",
                rf"groups/(?P<name>{_FB})\?multi_permalinks=(?P<id>\d+).*",
                "https://www.facebook.com/groups/{name}/posts/{id}",
            ),
            Form("group", rf"groups/(?P<name>{_FB})(?:[/?].*)?", "https://www.facebook.com/groups/{name}"),
            Form(
                "post",
                rf"(?P<name>{_FB})/posts/(?:[^/?]+/)?(?P<id>pfbid\w+|\d+)(?:[/?].*)?",
                "https://www.facebook.com/{name}/posts/{id}",
            ),
            Form(
                "post", rf"(?P<name>{_FB})/posts/(?P<id>[^/?]+)(?:\?.*)?", "https://www.facebook.com/{name}/posts/{id}"
            ),
            Form(
                "video",
                rf"(?P<name>{_FB})/videos/(?:[^/?]+/)*?(?P<id>\d{{6,}})(?:[/?].*)?",
                "https://www.facebook.com/{name}/videos/{id}",
            ),
            Form("profile", rf"(?P<name>{_FB})(?:/\w+)?(?:\?.*)?", "https://www.facebook.com/{name}"),
        ),
    ),
    PlatformLinks(
        slug="spotify",
        name="Spotify",
        hosts=_hosts("open.spotify.com play.spotify.com spotify.com"),
        short_hosts=_words("spotify.link spoti.fi spotify.app.link"),
        labels=("spotify",),
        schemes=(
            (r"spotify:user:(?P<name>[^:\s/]+):playlist:(?P<id>\w{22})", "https://open.spotify.com/playlist/{id}"),
            (r"spotify:user:(?P<name>[^:\s/]+)", "https://open.spotify.com/user/{name}"),
            (
                r"spotify:(?P<name>track|album|artist|playlist|show|episode):(?P<id>\w{22})",
                "https://open.spotify.com/{name}/{id}",
            ),
        ),
        forms=tuple(
            Form(
                kind,
                rf"(?:intl-[\w-]+/)?(?:embed/|embed-podcast/)?(?:user/[^/]+/)?{kind}/(?P<id>\w{{22}})(?:/.*)?",
                f"https://open.spotify.com/{kind}/{{id}}",
            )
            for kind in ("track", "album", "artist", "playlist", "show", "episode", "prerelease")
        )
        + (
            Form(
                "profile",
                r"(?:intl-[\w-]+/)?user/(?P<name>[^/]{1,100})(?:/(?:playlists|followers|following))?",
                "https://open.spotify.com/user/{name}",
            ),
        ),
    ),
    PlatformLinks(
        slug="soundcloud",
        name="SoundCloud",
        hosts=_hosts("soundcloud.com m.soundcloud.com api.soundcloud.com"),
        short_hosts=_words("on.soundcloud.com snd.sc soundcloud.app.goo.gl"),
        labels=("soundcloud",),
        parameters=("secret_token",),
        handle="https://soundcloud.com/{name}",
        reserved=_words(
            "artists charts checkout community-guidelines connect creators discover feed go imprint jobs login"
            " logout messages mobile notifications oembed pages people player popular premium press pro search"
            " settings signin signup stations stream tags terms-of-use tracks upload you"
        ),
        forms=(
            Form(
                "playlist",
                rf"(?P<name>(?ai:{_SC}))/sets/(?P<id>(?ai:{_SC})/s-\w+)(?:[/?].*)?",
                "https://soundcloud.com/{name}/sets/{id}",
            ),
            Form(
                "playlist",
                rf"(?P<name>(?ai:{_SC}))/sets/(?P<id>(?ai:{_SC}))\?secret_token=(?P<secret>s-\w+)",
                "https://soundcloud.com/{name}/sets/{id}/{secret}",
            ),
            Form(
                "playlist",
                rf"(?P<name>(?ai:{_SC}))/sets/(?P<id>(?ai:{_SC}))",
                "https://soundcloud.com/{name}/sets/{id}",
            ),
            Form(
                "profile",
                rf"(?P<name>(?ai:{_SC}))(?:/(?:tracks|reposts|popular-tracks|albums|sets|likes|followers|following|comments"
                r"|spotlight|toptracks|groups|info))?(?:\?.*)?",
                "https://soundcloud.com/{name}",
            ),
            Form(
                "track",
                rf"(?P<name>(?ai:{_SC}))/(?P<id>(?ai:{_SC})/s-\w+)(?:[/?].*)?",
                "https://soundcloud.com/{name}/{id}",
            ),
            Form(
                "track",
                rf"(?P<name>(?ai:{_SC}))/(?P<id>(?ai:{_SC}))\?secret_token=(?P<secret>s-\w+)",
                "https://soundcloud.com/{name}/{id}/{secret}",
            ),
            Form(
                "track",
                rf"(?P<name>(?ai:{_SC}))/(?P<id>(?ai:{_SC}))"
                r"(?:/(?:recommended|likes|reposts|comments|sets|albums))?",
                "https://soundcloud.com/{name}/{id}",
            ),
        ),
    ),
    PlatformLinks(
        slug="twitch",
        name="Twitch",
        hosts={
            **_hosts("twitch.tv m.twitch.tv go.twitch.tv player.twitch.tv"),
            "clips.twitch.tv": "clip/",
        },
        labels=("twitch",),
        parameters=("clip", "channel", "video"),
        handle="https://twitch.tv/{name}",
        reserved=_words(
            "bits clip clips collections creatorcamp dashboard directory downloads drops embed friends inventory"
            " jobs legal login logout messages moderator p payments popout prime privacy products search settings"
            " signup store subscriptions team turbo u user videos wallet"
        ),
        forms=(
            Form("clip", r"clip/embed\?clip=(?P<id>[\w-]+)(?:&.*)?", "https://clips.twitch.tv/{id}"),
            Form(
                "clip", r"(?:\w{3,25}/)?clip/(?!embed$)(?P<id>[\w-]{5,120})(?:[/?].*)?", "https://clips.twitch.tv/{id}"
            ),
            Form(
                "video",
                r"(?:videos|\w{3,25}/(?:video|v|videos))/v?(?P<id>\d+)(?:[/?].*)?",
                "https://www.twitch.tv/videos/{id}",
            ),
            Form("video", r"\?(?:channel=[^&]*&)?video=v?(?P<id>\d+)(?:&.*)?", "https://www.twitch.tv/videos/{id}"),
            Form("channel", r"\?channel=(?P<name>\w{3,25})(?:&.*)?", "https://www.twitch.tv/{name}"),
            Form("group", r"team/(?P<name>[\w-]+)", "https://www.twitch.tv/team/{name}"),
            Form("playlist", r"collections/(?P<id>[\w-]+)", "https://www.twitch.tv/collections/{id}"),
            Form("channel", r"popout/(?P<name>\w{3,25})/chat", "https://www.twitch.tv/{name}"),
            Form(
                "channel",
                r"(?P<name>\w{3,25})"
                r"(?:/(?:videos|about|schedule|clips|chat|followers|home|squad))?(?:\?.*)?",
                "https://www.twitch.tv/{name}",
            ),
        ),
    ),
    PlatformLinks(
        slug="threads",
        name="Threads",
        hosts=_hosts("threads.com threads.net"),
        labels=("threads",),
        handle="https://threads.com/@{name}",
        forms=(
            Form("post", r"t/(?P<id>[\w-]{5,64})(?:/.*)?", "https://www.threads.com/t/{id}"),
            Form(
                "post",
                rf"@(?P<name>(?ai:{_IG}))/post/(?P<id>[\w-]{{5,64}})(?:/.*)?",
                "https://www.threads.com/@{name}/post/{id}",
            ),
            Form(
                "profile",
                rf"@(?P<name>(?ai:{_IG}))(?:/(?:replies|reposts|media|threads))?",
                "https://www.threads.com/@{name}",
            ),
        ),
    ),
    PlatformLinks(
        slug="linkedin",
        name="LinkedIn",
        hosts={"linkedin.com": "", "m.linkedin.com": ""},
        subdomains=r"[a-z]{2}\.linkedin\.com",
        short_hosts=_words("lnkd.in"),
        labels=("linkedin",),
        forms=(
            Form("profile", r"(?:mwlite/)?in/(?P<name>[^/]{2,150})(?:/.*)?", "https://www.linkedin.com/in/{name}/"),
            Form(
                "page", r"(?:mwlite/)?company/(?P<name>[^/]{1,150})(?:/.*)?", "https://www.linkedin.com/company/{name}/"
            ),
            Form("page", r"school/(?P<name>[^/]{1,150})(?:/.*)?", "https://www.linkedin.com/school/{name}/"),
            Form("page", r"showcase/(?P<name>[^/]{1,150})(?:/.*)?", "https://www.linkedin.com/showcase/{name}/"),
            Form(
                "post",
                r"(?:embed/)?feed/update/urn:li:(?P<kind>activity|ugcPost|share):(?P<id>\d+)(?:/.*)?",
                "https://www.linkedin.com/feed/update/urn:li:{kind}:{id}/",
            ),
            Form(
                "post",
                r"posts/[^/]*?-?(?P<kind>activity|ugcPost|share)-(?P<id>\d{10,25})(?:[-/].*)?",
                "https://www.linkedin.com/feed/update/urn:li:{kind}:{id}/",
            ),
            Form("article", r"pulse/(?P<id>[^/]{3,300})(?:/.*)?", "https://www.linkedin.com/pulse/{id}/"),
            Form(
                "newsletter", r"newsletters/(?P<id>[^/]{3,300})(?:/.*)?", "https://www.linkedin.com/newsletters/{id}/"
            ),
            Form("event", r"events/(?P<id>[^/]{3,300})(?:/.*)?", "https://www.linkedin.com/events/{id}/"),
            Form("group", r"groups/(?P<id>\d+)(?:/.*)?", "https://www.linkedin.com/groups/{id}/"),
        ),
    ),
    PlatformLinks(
        slug="discord",
        name="Discord",
        hosts={
            **_hosts("discord.com ptb.discord.com canary.discord.com discordapp.com"),
            "discord.gg": "invite/",
        },
        short_hosts=_words("dsc.gg"),
        labels=("discord", "discordapp"),
        parameters=("client_id",),
        forms=(
            Form("invite", r"invite/(?:invite/)?(?P<id>[\w-]{2,64})", "https://discord.gg/{id}"),
            Form("message", r"channels/(?P<id>\d+/\d+/\d+)", "https://discord.com/channels/{id}"),
            Form("channel", r"channels/(?P<id>\d+/\d+)", "https://discord.com/channels/{id}"),
            Form("server", r"channels/(?P<id>\d+)", "https://discord.com/channels/{id}"),
            Form("server", r"servers/(?P<id>[\w-]*?\d{10,25})", "https://discord.com/servers/{id}"),
            Form("event", r"events/(?P<id>\d+/\d+)", "https://discord.com/events/{id}"),
            Form("profile", r"users/(?P<id>\d+)", "https://discord.com/users/{id}"),
            Form(
                "bot",
                r"(?:api/)?oauth2/authorize\?client_id=(?P<id>\d+)",
                "https://discord.com/oauth2/authorize?client_id={id}",
            ),
            Form(
                "bot",
                r"(?:application-directory|discovery/applications)/(?P<id>\d+)(?:/.*)?",
                "https://discord.com/application-directory/{id}",
            ),
        ),
    ),
    # Of these only the hosts are known: their addresses are read as those of any other site.
    PlatformLinks(
        "pinterest",
        "Pinterest",
        {"pinterest.com": ""},
        subdomains=r"(?:\w{2}\.)?pinterest\.(?:\w{2,3}|co\.\w{2})",
        short_hosts=_words("pin.it"),
    ),
    PlatformLinks(
        "snapchat", "Snapchat", {"snapchat.com": "", "story.snapchat.com": ""}, short_hosts=_words("t.snapchat.com")
    ),
    PlatformLinks("whatsapp", "WhatsApp", _hosts("whatsapp.com chat.whatsapp.com wa.me api.whatsapp.com")),
    PlatformLinks(
        "reddit",
        "Reddit",
        _hosts("reddit.com old.reddit.com m.reddit.com new.reddit.com"),
        short_hosts=_words("redd.it"),
    ),
    PlatformLinks("vk", "VK", _hosts("vk.com m.vk.com vk.ru vkvideo.ru"), short_hosts=_words("vk.cc")),
    PlatformLinks("kick", "Kick", {"kick.com": ""}),
    PlatformLinks(
        "apple-music", "Apple Music", {"music.apple.com": "", "itunes.apple.com": "", "geo.music.apple.com": ""}
    ),
)

BY_SLUG = {platform.slug: platform for platform in PLATFORMS}
#: Host -> its platform and what its paths are read with in front of them; None for a host of short links.
HOSTS: dict[str, tuple[PlatformLinks, str | None]] = {
    host: (platform, before) for platform in PLATFORMS for host, before in platform.hosts.items()
} | {host: (platform, None) for platform in PLATFORMS for host in platform.short_hosts}
SUBDOMAINS = [(re.compile(platform.subdomains), platform) for platform in PLATFORMS if platform.subdomains]
SCHEMES = [
    (re.compile(pattern, re.IGNORECASE), address) for platform in PLATFORMS for pattern, address in platform.schemes
]
#: Pages that only lead on to the address in one of their parameters.
REDIRECTS: dict[str, tuple[str, str]] = {
    "l.instagram.com": ("", "u"),
    "l.threads.com": ("", "u"),
    "l.facebook.com": ("l.php", "u"),
    "lm.facebook.com": ("l.php", "u"),
    "facebook.com": ("l.php", "u"),
    "youtube.com": ("redirect", "q"),
    "w.soundcloud.com": ("player", "url"),
    "google.com": ("url", "q"),
}
#: Parameters with which a site only counts where its visitors come from.
TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|gbraid|wbraid|dclid|msclkid|yclid|twclid|ttclid|igsh|igshid|mc_cid|mc_eid|_ga|_gl|mkt_tok"
)

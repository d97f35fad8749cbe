"""Platforms of posts, whose addresses begin with a name."""

from catalog.links.forms import SHORT, Form, PlatformLinks, hosts, words

_IG = r"(?!\.)(?:[a-z0-9_]|\.(?!\.)){1,30}(?<!\.)"

INSTAGRAM = PlatformLinks(
    slug="instagram",
    name="Instagram",
    hosts=hosts("instagram.com m.instagram.com instagr.am"),
    short_hosts=words("ig.me"),
    labels=("instagram",),
    handle="https://instagram.com/{name}",
    reserved=words(
        "about accounts api ar blog challenge developer direct directory download emails explore graphql help"
        " invites legal lite login nametag oauth p press privacy push reel reels session share static stories"
        " terms tv web your_activity"
    ),
    schemes=((r"instagram://user\?username=(?P<name>[\w.]+)", "https://instagram.com/{name}"),),
    forms=(
        Form("highlight", r"stories/highlights/(?P<id>\d+)", "https://www.instagram.com/stories/highlights/{id}/"),
        Form("story", rf"stories/(?P<name>(?ai:{_IG}))/(?P<id>\d+)", "https://www.instagram.com/stories/{name}/{id}/"),
        Form("story", rf"stories/(?!highlights$)(?P<name>(?ai:{_IG}))", "https://www.instagram.com/stories/{name}/"),
        Form(SHORT, r"(?:share|s)/.+"),
        Form("sound", r"reels/audio/(?P<id>\d+)", "https://www.instagram.com/reels/audio/{id}/"),
        Form("post", r"(?:[\w.]{1,30}/)?p/(?P<id>[\w-]{5,64})(?:/.*)?", "https://www.instagram.com/p/{id}/"),
        Form("reel", r"(?:[\w.]{1,30}/)?reels?/(?P<id>[\w-]{5,64})(?:/.*)?", "https://www.instagram.com/reel/{id}/"),
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
)

TIKTOK = PlatformLinks(
    slug="tiktok",
    name="TikTok",
    hosts={"tiktok.com": "", "m.tiktok.com": "", "us.tiktok.com": "", "live.tiktok.com": ""},
    short_hosts=words("vm.tiktok.com vt.tiktok.com"),
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
)

X = PlatformLinks(
    slug="x",
    name="X",
    hosts=hosts("x.com m.x.com mobile.x.com twitter.com m.twitter.com mobile.twitter.com"),
    short_hosts=words("t.co pic.twitter.com pic.x.com"),
    labels=("twitter",),
    parameters=("screen_name",),
    handle="https://x.com/{name}",
    reserved=words(
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
        Form("post", r"(?P<name>\w{1,15})/status(?:es)?/(?P<id>\d+)(?:[/?].*)?", "https://x.com/{name}/status/{id}"),
        Form("article", r"(?P<name>\w{1,15})/article/(?P<id>\d+)(?:/.*)?", "https://x.com/{name}/article/{id}"),
        Form(
            "profile",
            r"(?P<name>\w{1,15})(?:/(?:with_replies|media|likes|followers|following|highlights|articles|photo"
            r"|verified_followers|header_photo|superfollows|lists))?(?:\?.*)?",
            "https://x.com/{name}",
        ),
    ),
)

THREADS = PlatformLinks(
    slug="threads",
    name="Threads",
    hosts=hosts("threads.com threads.net"),
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
)

"""Platforms of boards, communities and stories."""

from catalog.links.forms import SHORT, Form, PlatformLinks, hosts, words

PINTEREST = PlatformLinks(
    slug="pinterest",
    name="Pinterest",
    hosts=hosts("pinterest.com m.pinterest.com"),
    subdomains=r"(?:\w{2}\.)?pinterest\.(?:\w{2,3}|co\.\w{2}|com\.\w{2})",
    short_hosts=words("pin.it"),
    labels=("pinterest",),
    handle="https://pinterest.com/{name}",
    others_pass=True,
    reserved=words(
        "about ads business categories explore ideas login password pin privacy resource search settings shopping"
        " signup terms today topics videos"
    ),
    forms=(
        Form("pin", r"pin/(?:[^/?]*?--)?(?P<id>\d{6,25})(?:[/?].*)?", "https://www.pinterest.com/pin/{id}/"),
        Form(
            "profile",
            r"(?P<name>[\w-]{3,30})(?:/(?:_saved|_created|_pins|_shop|pins|boards|followers|following|tried))?",
            "https://www.pinterest.com/{name}/",
        ),
        Form(
            "board",
            r"(?P<name>[\w-]{3,30})/(?P<id>[^/?_][^/?]{0,100}(?:/[^/?]{1,100})?)",
            "https://www.pinterest.com/{name}/{id}/",
        ),
    ),
)

REDDIT = PlatformLinks(
    slug="reddit",
    name="Reddit",
    hosts={**hosts("reddit.com old.reddit.com m.reddit.com new.reddit.com np.reddit.com"), "redd.it": "comments/"},
    subdomains=r"[a-z]{2}\.reddit\.com",
    short_hosts=words("reddit.app.link"),
    labels=("reddit",),
    handle="https://reddit.com/user/{name}",
    others_pass=True,
    forms=(
        Form(SHORT, r"(?:r|u|user)/[\w-]+/s/\w+"),
        Form(
            "comment",
            r"(?:(?:r|u|user)/[\w-]{2,24}/)?comments/(?P<id>[a-z0-9]{4,10})/[^/?]+/(?P<comment>[a-z0-9]{4,10})(?:[/?].*)?",
            "https://www.reddit.com/comments/{id}/comment/{comment}/",
        ),
        Form(
            "post",
            r"(?:(?:r|u|user)/[\w-]{2,24}/)?(?:comments|gallery)/(?P<id>[a-z0-9]{4,10})(?:[/?].*)?",
            "https://www.reddit.com/comments/{id}/",
        ),
        Form(
            "community",
            r"r/(?P<name>\w{2,24})(?:/(?:hot|new|top|best|rising|controversial|about|wiki)(?:/.*)?)?",
            "https://www.reddit.com/r/{name}/",
        ),
        Form(
            "profile",
            r"(?:u|user)/(?P<name>[\w-]{2,24})(?:/(?:submitted|comments|overview|saved|gilded))?",
            "https://www.reddit.com/user/{name}/",
        ),
    ),
)

SNAPCHAT = PlatformLinks(
    slug="snapchat",
    name="Snapchat",
    hosts=hosts("snapchat.com m.snapchat.com story.snapchat.com"),
    short_hosts=words("t.snapchat.com"),
    labels=("snapchat",),
    handle="https://snapchat.com/add/{name}",
    others_pass=True,
    schemes=((r"snapchat://add/(?P<name>[\w.-]+)", "https://snapchat.com/add/{name}"),),
    forms=(
        Form(SHORT, r"t/[\w-]+"),
        Form(
            "video", r"(?:@[\w.-]+/)?spotlight/(?P<id>[\w-]{10,100})(?:/.*)?", "https://www.snapchat.com/spotlight/{id}"
        ),
        Form("lens", r"(?:lens|unlock)/(?:\?.*)?(?P<id>[0-9a-f]{32})(?:/.*)?", "https://www.snapchat.com/lens/{id}"),
        Form(
            "story",
            r"(?:@[\w.-]+/)?(?:p|highlight|saved)/(?P<id>[\w-]{10,100})(?:/.*)?",
            "https://www.snapchat.com/p/{id}",
        ),
        Form("profile", r"(?:add/|@|s/|u/)(?P<name>[\w.-]{3,30})", "https://www.snapchat.com/add/{name}"),
    ),
)

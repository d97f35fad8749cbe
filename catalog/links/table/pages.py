"""Platforms of people, pages and groups."""

from catalog.links.forms import SHORT, Form, PlatformLinks, hosts, words

_FB = r"[^/?#&=:@\s]{2,100}"

FACEBOOK = PlatformLinks(
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
    short_hosts=words("fb.watch fb.me fb.gg"),
    labels=("facebook",),
    parameters=("id", "story_fbid", "v", "fbid", "set", "multi_permalinks"),
    handle="https://facebook.com/{name}",
    reserved=words(
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
        Form("post", rf"(?P<name>{_FB})/posts/(?P<id>[^/?]+)(?:\?.*)?", "https://www.facebook.com/{name}/posts/{id}"),
        Form(
            "video",
            rf"(?P<name>{_FB})/videos/(?:[^/?]+/)*?(?P<id>\d{{6,}})(?:[/?].*)?",
            "https://www.facebook.com/{name}/videos/{id}",
        ),
        Form("profile", rf"(?P<name>{_FB})(?:/\w+)?(?:\?.*)?", "https://www.facebook.com/{name}"),
    ),
)

LINKEDIN = PlatformLinks(
    slug="linkedin",
    name="LinkedIn",
    hosts={"linkedin.com": "", "m.linkedin.com": ""},
    subdomains=r"[a-z]{2}\.linkedin\.com",
    short_hosts=words("lnkd.in"),
    labels=("linkedin",),
    forms=(
        Form("profile", r"(?:mwlite/)?in/(?P<name>[^/]{2,150})(?:/.*)?", "https://www.linkedin.com/in/{name}/"),
        Form("page", r"(?:mwlite/)?company/(?P<name>[^/]{1,150})(?:/.*)?", "https://www.linkedin.com/company/{name}/"),
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
        Form("newsletter", r"newsletters/(?P<id>[^/]{3,300})(?:/.*)?", "https://www.linkedin.com/newsletters/{id}/"),
        Form("event", r"events/(?P<id>[^/]{3,300})(?:/.*)?", "https://www.linkedin.com/events/{id}/"),
        Form("group", r"groups/(?P<id>\d+)(?:/.*)?", "https://www.linkedin.com/groups/{id}/"),
    ),
)

VK = PlatformLinks(
    slug="vk",
    name="VK",
    hosts=hosts("vk.com m.vk.com vk.ru m.vk.ru vkvideo.ru m.vkvideo.ru"),
    short_hosts=words("vk.cc vk.me"),
    labels=("vkontakte",),
    parameters=("w", "z", "reply"),
    handle="https://vk.com/{name}",
    others_pass=True,
    reserved=words(
        "about ads apps audio bookmarks clips docs fave feed friends gifts groups im join jobs login market music news"
        " notifications photos playlist restore search services settings stickers support terms video videos"
    ),
    forms=(
        Form("comment", r"wall(?P<id>-?\d+_\d+)\?reply=(?P<comment>\d+)", "https://vk.com/wall{id}?reply={comment}"),
        Form("post", r"wall(?P<id>-?\d+_\d+)(?:[/?].*)?", "https://vk.com/wall{id}"),
        Form("post", r"[^?]*\?w=wall(?P<id>-?\d+_\d+)\b.*", "https://vk.com/wall{id}"),
        Form("photo", r"(?:[^?]*\?(?:w=[^&]*&)?z=)?photo(?P<id>-?\d+_\d+)\b.*", "https://vk.com/photo{id}"),
        Form("video", r"(?:[^?]*\?(?:w=[^&]*&)?z=)?(?:video/)?video(?P<id>-?\d+_\d+)\b.*", "https://vk.com/video{id}"),
        Form("video", r"playlist/-?\d+_-?\d+/video(?P<id>-?\d+_\d+)", "https://vk.com/video{id}"),
        Form("clip", r"(?:[^?]*\?(?:w=[^&]*&)?z=)?clip(?P<id>-?\d+_\d+)\b.*", "https://vk.com/clip{id}"),
        Form("story", r"story(?P<id>-?\d+_\d+)\b.*", "https://vk.com/story{id}"),
        Form("topic", r"topic(?P<id>-?\d+_\d+)\b.*", "https://vk.com/topic{id}"),
        Form("album", r"album(?P<id>-?\d+_\d+)\b.*", "https://vk.com/album{id}"),
        Form("article", r"@(?P<id>[\w.-]+-[\w.-]+)(?:\?.*)?", "https://vk.com/@{id}"),
        Form("channel", r"(?:video/)?@(?P<name>(?ai:[a-z0-9_.]{3,32}))(?:/.*)?", "https://vkvideo.ru/@{name}"),
        Form("group", r"(?:club|public|event)(?P<id>\d+)(?:\?.*)?", "https://vk.com/club{id}"),
        Form("profile", r"id(?P<id>\d+)(?:\?.*)?", "https://vk.com/id{id}"),
        Form("profile", r"(?P<name>(?ai:[a-z][a-z0-9_.]{2,31}))(?:\?.*)?", "https://vk.com/{name}"),
    ),
)

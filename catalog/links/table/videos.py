"""Platforms of videos and streams."""

from catalog.links.forms import Form, PlatformLinks, hosts, words

YOUTUBE = PlatformLinks(
    slug="youtube",
    name="YouTube",
    hosts={
        **hosts("youtube.com m.youtube.com music.youtube.com gaming.youtube.com youtube-nocookie.com"),
        "youtu.be": "watch/",
    },
    labels=("youtube",),
    parameters=("v", "list", "lb"),
    handle="https://youtube.com/@{name}",
    reserved=words(
        "about account ads api attribution_link audiolibrary browse channel clip channel_switcher copyright"
        " creators dashboard embed feed gaming hashtag howyoutubeworks intl jobs kids live live_dashboard"
        " live_stream login logout movies music my_videos new news oembed paid_memberships playlist playlists"
        " post premium press promos redirect reporthistory results robots.txt sharing shorts signin signup"
        " sports t terms trending tv upload user v vi watch watch_videos yt"
    ),
    forms=(
        Form("video", r"watch\?v=(?P<id>[\w-]{11})(?:&.*)?", "https://www.youtube.com/watch?v={id}"),
        Form("video", r"(?:embed|v|e|vi|watch)/(?P<id>[\w-]{11})(?:[?&].*)?", "https://www.youtube.com/watch?v={id}"),
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
)

TWITCH = PlatformLinks(
    slug="twitch",
    name="Twitch",
    hosts={
        **hosts("twitch.tv m.twitch.tv go.twitch.tv player.twitch.tv"),
        "clips.twitch.tv": "clip/",
    },
    labels=("twitch",),
    parameters=("clip", "channel", "video"),
    handle="https://twitch.tv/{name}",
    reserved=words(
        "bits clip clips collections creatorcamp dashboard directory downloads drops embed friends inventory"
        " jobs legal login logout messages moderator p payments popout prime privacy products search settings"
        " signup store subscriptions team turbo u user videos wallet"
    ),
    forms=(
        Form("clip", r"clip/embed\?clip=(?P<id>[\w-]+)(?:&.*)?", "https://clips.twitch.tv/{id}"),
        Form("clip", r"(?:\w{3,25}/)?clip/(?!embed$)(?P<id>[\w-]{5,120})(?:[/?].*)?", "https://clips.twitch.tv/{id}"),
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
)

KICK = PlatformLinks(
    slug="kick",
    name="Kick",
    hosts=hosts("kick.com m.kick.com player.kick.com"),
    parameters=("clip",),
    handle="https://kick.com/{name}",
    others_pass=True,
    reserved=words(
        "about auth browse categories category clips community-guidelines dashboard following help login popout privacy"
        " search settings signup terms video videos"
    ),
    forms=(
        Form(
            "clip",
            r"(?P<name>(?ai:[a-z0-9_-]{3,30}))(?:/clips)?\?clip=(?P<id>\w+)",
            "https://kick.com/{name}/clips/{id}",
        ),
        Form(
            "clip",
            r"(?P<name>(?ai:[a-z0-9_-]{3,30}))/clips/(?P<id>clip_\w+)(?:[/?].*)?",
            "https://kick.com/{name}/clips/{id}",
        ),
        Form(
            "video",
            r"(?:(?ai:[a-z0-9_-]{3,30})/videos|video)/(?P<id>[0-9a-f-]{36})(?:[/?].*)?",
            "https://kick.com/video/{id}",
        ),
        Form("channel", r"popout/(?P<name>(?ai:[a-z0-9_-]{3,30}))/chat(?:room)?", "https://kick.com/{name}"),
        Form(
            "channel",
            r"(?P<name>(?ai:[a-z0-9_-]{3,30}))(?:/(?:about|videos|clips|chatroom|chat))?",
            "https://kick.com/{name}",
        ),
    ),
)

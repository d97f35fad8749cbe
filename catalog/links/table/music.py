"""Platforms of music."""

from catalog.links.forms import Form, PlatformLinks, hosts, words

_SC = r"[a-z0-9_-]{1,100}"

SPOTIFY = PlatformLinks(
    slug="spotify",
    name="Spotify",
    hosts=hosts("open.spotify.com play.spotify.com spotify.com"),
    short_hosts=words("spotify.link spoti.fi spotify.app.link"),
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
)

SOUNDCLOUD = PlatformLinks(
    slug="soundcloud",
    name="SoundCloud",
    hosts=hosts("soundcloud.com m.soundcloud.com api.soundcloud.com"),
    short_hosts=words("on.soundcloud.com snd.sc soundcloud.app.goo.gl"),
    labels=("soundcloud",),
    parameters=("secret_token",),
    handle="https://soundcloud.com/{name}",
    reserved=words(
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
)

APPLE_MUSIC = PlatformLinks(
    slug="apple-music",
    name="Apple Music",
    hosts=hosts(
        "music.apple.com itunes.apple.com geo.music.apple.com geo.itunes.apple.com embed.music.apple.com"
        " beta.music.apple.com"
    ),
    short_hosts=words("apple.co"),
    parameters=("i",),
    others_pass=True,
    forms=(
        Form(
            "track",
            r"(?:[a-z]{2}/)?(?:album/(?:[^/?]+/)?(?:id)?\d+\?i=|song/(?:[^/?]+/)?(?:id)?)(?P<id>\d+)",
            "https://music.apple.com/song/{id}",
        ),
        *(
            Form(
                kind,
                rf"(?:[a-z]{{2}}/)?{path}/(?:[^/?]+/)?(?:id)?(?P<id>{number})(?:[/?].*)?",
                f"https://music.apple.com/{path}/{{id}}",
            )
            for kind, path, number in (
                ("album", "album", r"\d+"),
                ("artist", "artist", r"\d+"),
                ("video", "music-video", r"\d+"),
                ("playlist", "playlist", r"pl\.[\w.-]+"),
                ("station", "station", r"ra\.[\w.-]+"),
                ("curator", "curator", r"\d+"),
                ("profile", "profile", r"[\w.-]+"),
            )
        ),
    ),
)

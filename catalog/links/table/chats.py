"""Platforms of chats, channels and invitations."""

from catalog.links.forms import Form, PlatformLinks, hosts, words

_TG = r"[a-z][a-z0-9_]{3,31}"

TELEGRAM = PlatformLinks(
    slug="telegram",
    name="Telegram",
    hosts=hosts("t.me telegram.me telegram.dog telegram.org web.telegram.org"),
    subdomains=rf"(?P<prefix>{_TG})\.t\.me",
    labels=("telegram",),
    parameters=("start", "boost", "story"),
    handle="https://t.me/{name}",
    reserved=words(
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
)

DISCORD = PlatformLinks(
    slug="discord",
    name="Discord",
    hosts={
        **hosts("discord.com ptb.discord.com canary.discord.com discordapp.com"),
        "discord.gg": "invite/",
    },
    short_hosts=words("dsc.gg"),
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
)

WHATSAPP = PlatformLinks(
    slug="whatsapp",
    name="WhatsApp",
    hosts={
        **hosts("whatsapp.com m.whatsapp.com web.whatsapp.com api.whatsapp.com"),
        "chat.whatsapp.com": "invite/",
        "wa.me": "phone/",
    },
    labels=("whatsapp",),
    parameters=("phone",),
    others_pass=True,
    schemes=((r"whatsapp://send/?\?(?:[^&]*&)*phone=\+?(?P<id>\d{7,15})(?:&.*)?", "https://wa.me/{id}"),),
    forms=(
        Form("invite", r"invite/(?:invite/)?(?P<id>[A-Za-z0-9]{18,26})", "https://chat.whatsapp.com/{id}"),
        Form("post", r"channel/(?P<id>[A-Za-z0-9]{18,34}/\d+)", "https://whatsapp.com/channel/{id}"),
        Form("channel", r"channel/(?P<id>[A-Za-z0-9]{18,34})", "https://whatsapp.com/channel/{id}"),
        Form("number", r"phone/(?:c/)?\+?(?P<id>\d{7,15})", "https://wa.me/{id}"),
        Form("number", r"(?:send)?\?phone=[+ ]?(?P<id>\d{7,15})", "https://wa.me/{id}"),
        Form("number", r"phone/(?P<id>(?:message|qr)/\w{6,30})", "https://wa.me/{id}"),
    ),
)

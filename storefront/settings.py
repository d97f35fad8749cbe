"""All configuration comes from the environment; .env.example names and explains every variable."""

from pathlib import Path

from celery.schedules import schedule
from django.utils.csp import CSP
from kombu import Queue

from storefront.environment import SITE, Environment, celery_broker

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()

# --- What must be set -------------------------------------------------------------------------------------------------
SECRET_KEY = env.key("SECRET_KEY")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS")
DATABASES = {"default": env.database("DATABASE_URL")}
# The role that owns the tables: only `manage.py migrate` logs in as it. Empty: DATABASE_URL's role does everything.
DATABASE_OWNER = env.database("DATABASE_OWNER_URL", is_optional=True)
DATABASE_SHOP_ROLE = DATABASES["default"].get("USER", "")
if DATABASE_OWNER and DATABASE_OWNER["NAME"] != DATABASES["default"].get("NAME"):
    env.complain("DATABASE_OWNER_URL must name the same database as DATABASE_URL")
REDIS_URL = env.required("REDIS_URL")

# --- The shop ---------------------------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG", False)
DEMO = env.flag("DEMO", False)
HTTPS = env.flag("HTTPS", True)
SHOP_NAME = env.text("SHOP_NAME", "Permille")
_host = (ALLOWED_HOSTS or ["localhost"])[0].lstrip(".")
SHOP_URL = env.text(
    "SHOP_URL",
    f"{'https' if HTTPS else 'http'}://{_host}",
    like=SITE,
    what="an address such as https://shop.example",
).rstrip("/")
SHOP_CURRENCY = env.text("SHOP_CURRENCY", "USD", like="[A-Za-z]{3,8}", what="a currency such as USD").strip().upper()
CONTACT_EMAIL = env.text("CONTACT_EMAIL")
OWNER_EMAILS = env.emails("OWNER_EMAILS")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# Seals what is stored (core.secrets). Its fallbacks only open what they sealed, so they may be as weak as they were.
SEALING_KEY = env.key("SEALING_KEY", is_optional=True)
SEALING_KEY_FALLBACKS = env.words("SEALING_KEY_FALLBACKS")
# Each proxy of ours adds the address it saw to X-Forwarded-For; only so many entries of it are believed.
PROXY_COUNT = env.whole("PROXY_COUNT", 1 if HTTPS else 0, at_least=0, at_most=10)
API_RATE_PER_MINUTE = env.whole("API_RATE_PER_MINUTE", 600, at_least=0, at_most=1_000_000)
ALLOW_PRIVATE_PROVIDER_HOSTS = env.flag("ALLOW_PRIVATE_PROVIDER_HOSTS", False)
STRIPE_API_ADDRESS = env.text(
    "STRIPE_API_ADDRESS", "https://api.stripe.com", like=r"https?://[^/]+", what="an address such as https://host"
)

# --- Forwarding and following (seconds unless the name says otherwise; docs/forwarding.md explains each) ------------
FORWARD_DEADLINE_SECONDS = env.number("FORWARD_DEADLINE_SECONDS", 30, at_least=0.05, at_most=120)
FORWARD_LEASE_SECONDS = env.number("FORWARD_LEASE_SECONDS", 90, at_least=0.1, at_most=3600)
FORWARD_LANES = env.whole("FORWARD_LANES", 1, at_least=1, at_most=64)
SWEEP_SECONDS = env.number("SWEEP_SECONDS", 15, at_least=0.1, at_most=3600)
POLL_SECONDS = env.number("POLL_SECONDS", 120, at_least=0.1, at_most=86400)
POLL_CALLS_PER_MINUTE = env.number("POLL_CALLS_PER_MINUTE", 60, at_least=1, at_most=60000)
POLL_LANES = env.whole("POLL_LANES", 4, at_least=1, at_most=64)
READ_DEADLINE_SECONDS = env.number("READ_DEADLINE_SECONDS", 30, at_least=0.05, at_most=120)
SYNC_DEADLINE_SECONDS = env.number("SYNC_DEADLINE_SECONDS", 90, at_least=0.05, at_most=600)
DOUBT_SETTLE_SECONDS = env.number("DOUBT_SETTLE_SECONDS", 600, at_least=0.1, at_most=86400)
# How long a completed drip-feed must list too few runs before the missing ones are refunded.
RUNS_SETTLE_SECONDS = env.number("RUNS_SETTLE_SECONDS", DOUBT_SETTLE_SECONDS, at_least=0.1, at_most=86400)
DOUBT_REVIEW_SECONDS = env.number("DOUBT_REVIEW_SECONDS", 1800, at_least=0.1, at_most=604800)
SYNC_HOURS = env.number("SYNC_HOURS", 6, at_least=0.01, at_most=240)
FAILED_GRACE_SECONDS = env.number("FAILED_GRACE_SECONDS", 86400, at_least=0.1, at_most=2592000)
REFILL_DOUBT_SECONDS = env.number("REFILL_DOUBT_SECONDS", 86400, at_least=0.1, at_most=2592000)
PATIENCE_SECONDS = env.number("PATIENCE_SECONDS", 86400, at_least=0.1, at_most=2592000)
# 0 never refunds a doubt by itself.
DOUBT_REFUND_SECONDS = env.number("DOUBT_REFUND_SECONDS", 86400, at_least=0, at_most=2592000)
BREAKER_DOUBTS = env.whole("BREAKER_DOUBTS", 3, at_least=1, at_most=100_000)
BREAKER_STREAK = env.whole("BREAKER_STREAK", 5, at_least=1, at_most=100_000)
BREAKER_TRIAL_SECONDS = env.number("BREAKER_TRIAL_SECONDS", DOUBT_SETTLE_SECONDS, at_least=0.1, at_most=86400)
# Orders of different customers, services and links, refused alike, that park the provider. 0 never does.
REFUSAL_STREAK = env.whole("REFUSAL_STREAK", 3, at_least=0, at_most=5)
# In the shop's currency.
BREAKER_COST = env.number("BREAKER_COST", 100, at_least=0, at_most=1_000_000_000)
SUBSCRIPTION_MAX_POSTS = env.whole("SUBSCRIPTION_MAX_POSTS", 100, at_least=1, at_most=10000)
STATE_FOLDER = env.text("STATE_FOLDER").strip()
WORKER_CONCURRENCY = env.whole("WORKER_CONCURRENCY", 4, at_least=1, at_most=64)

# Not in .env.example, because no operator needs them. The battery scales them together with the times above.
PROBE_INTERVAL_SECONDS = env.number("PROBE_INTERVAL_SECONDS", 1, at_least=0.001, at_most=60)
PROBE_PASS_GAP_SECONDS = env.number("PROBE_PASS_GAP_SECONDS", 60, at_least=0.01, at_most=3600)
RECONCILE_SECONDS = env.number("RECONCILE_SECONDS", 3600, at_least=0.1, at_most=86400)

if FORWARD_LEASE_SECONDS < 7 / 3 * FORWARD_DEADLINE_SECONDS:
    env.complain(
        "FORWARD_LEASE_SECONDS must be at least 7/3 of FORWARD_DEADLINE_SECONDS, or a slow send loses its lease"
    )
if DOUBT_SETTLE_SECONDS < FORWARD_LEASE_SECONDS + FORWARD_DEADLINE_SECONDS:
    env.complain(
        "DOUBT_SETTLE_SECONDS must be at least FORWARD_LEASE_SECONDS plus FORWARD_DEADLINE_SECONDS, "
        "or an order may still be sent after it was called not placed"
    )

if 0 < DOUBT_REFUND_SECONDS < FORWARD_LEASE_SECONDS:
    env.complain(
        "DOUBT_REFUND_SECONDS must be 0 or at least FORWARD_LEASE_SECONDS, or a send under way is refunded as a doubt"
    )

if REFUSAL_STREAK == 1:
    env.complain("REFUSAL_STREAK must be 0 or at least 2: one refused order proves nothing about a provider")

if DEBUG and HTTPS:
    env.complain("DEBUG must be false with HTTPS: its error pages show the program's internals to everybody")
if "*" in ALLOWED_HOSTS:
    env.complain("ALLOWED_HOSTS must name the shop's hosts: with * any visitor chooses the host of links in mails")
if STATE_FOLDER and not Path(STATE_FOLDER).is_absolute():
    env.complain("STATE_FOLDER must be an absolute path of a folder")

# --- Django -----------------------------------------------------------------------------------------------------------
ROOT_URLCONF = "storefront.urls"
WSGI_APPLICATION = "storefront.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
# The check asks for unique=True; ours is stricter, a unique index on the lower-cased address.
# The other two ask for HSTS on all subdomains and in browsers' lists: the owner's decision, HSTS in .env.example.
SILENCED_SYSTEM_CHECKS = ["auth.W004", "security.W005", "security.W021"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "storefront.apps.StorefrontConfig",
    "storefront.apps.ShopAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.sitemaps",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "core",
    "notices",
    "pages",
    "accounts",
    "catalog",
    "billing",
    "orders",
    "api",
    "support",
]

MIDDLEWARE = [
    "storefront.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Above what answers by itself, so that those answers have the headers too.
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "storefront.middleware.ApiMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "storefront.middleware.PackedPagesMiddleware",
    "storefront.middleware.NulMiddleware",
    "storefront.middleware.PrivatePagesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.shop_settings.ShopSettingsMiddleware",
    "core.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.requests.CustomerMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.confirming.KeptFormMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.terms.TermsMiddleware",
    "accounts.viewing.ViewingMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "storefront.context_processors.shop",
            ],
        },
    }
]

if DATABASES["default"]:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
    # Without a number nothing is prepared, not even what asks for it (core.prepared). Django's own statements are not.
    DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = 5

# The cache holds counters of sign-in limits. It lives in Postgres, so that Redis stays what it is here: a doorbell.
CACHES = {"default": {"BACKEND": "core.counters.CounterCache", "LOCATION": "core_cache"}}

# Files are checked in memory and stored in the database; storefront.incoming bounds them, and none is written to disk.
FILE_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024

# --- Language and time ------------------------------------------------------------------------------------------------
# A language stands here once it is translated to the last text. Which of them customers are offered is the owner's
# choice, in the settings of the shop.
LANGUAGES = [("en", "English"), ("es", "Español"), ("ar", "العربية")]
LANGUAGE_CODE = env.choice("LANGUAGE_CODE", "en", tuple(code for code, _name in LANGUAGES))
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
USE_TZ = True
FORMAT_MODULE_PATH = ["core.formats"]

# --- Static files -----------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles"), like="/.+", what="an absolute folder"))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Manifest storage refuses to render before collectstatic ran; the demo and the tests read the source files instead.
_static = "django.contrib.staticfiles.storage.StaticFilesStorage"
_manifest = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _manifest if (STATIC_ROOT / "staticfiles.json").exists() else _static},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists()

# --- Sign-in ----------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "accounts.hashers.PatientArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "catalog:prices"
ACCOUNT_LOGOUT_REDIRECT_URL = "catalog:prices"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.sign_in.SignInForm",
    "change_password": "accounts.sign_in.OldPasswordForm",
    "signup": "accounts.sign_up_forms.SignUpForm",
    "confirm_email_verification_code": "accounts.sign_up_forms.CodeForm",
}
USERSESSIONS_ADAPTER = "accounts.adapter.UserSessionsAdapter"
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_FORMS = {
    "add_webauthn": "accounts.sign_in.AddPasskeyForm",
    "authenticate": "accounts.sign_in.SecondStepForm",
    "reauthenticate": "accounts.sign_in.ConfirmingCodeForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# The device asks for a finger or a PIN, so that a passkey alone is two factors.
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# Browsers allow passkeys without HTTPS on localhost alone, where only the demo runs.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEMO and not HTTPS
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = env.choice("EMAIL_VERIFICATION", "mandatory", ("mandatory", "optional", "none"))
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = ACCOUNT_EMAIL_VERIFICATION == "mandatory"
# Not ..._SUPPORTS_CHANGE: allauth offers that only for addresses without an account, and so tells which have one.
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
# For changes of how somebody signs in; the admin has a list of its own (storefront.admin_site).
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Passwords and codes are counted by accounts.password_limits. allauth's count of codes is one for each account, from
# everywhere: who knows the password could keep the owner's own codes refused.
ACCOUNT_RATE_LIMITS = {"login_failed": "", "change_password": "20/m/user"}
# Who has chosen a new password by mail is signed in, on a device that is known from then on.
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
# How many seconds the link to a new password works; the texts about it say one hour.
PASSWORD_RESET_TIMEOUT = 3600
ALLAUTH_TRUSTED_PROXY_COUNT = PROXY_COUNT

# --- Mail -------------------------------------------------------------------------------------------------------------
# Without EMAIL_URL every mail waits in the outbox. With consolemail:// the log gets them, codes included.
MAILERS = {"default": env.mailer("EMAIL_URL")}
# False: customers cannot come yet. The demo shows its visitors where the mails are.
MAIL_IS_SET_UP = DEMO or not str(MAILERS["default"]["BACKEND"]).endswith(("dummy.EmailBackend", "console.EmailBackend"))
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"shop@{_host}")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Security ---------------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
# The API redirects by itself, so that the method stays POST. Gateways follow no redirect.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^api/v2/?$", r"^pay/"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
_hsts = env.choice("HSTS", "domain", ("domain", "subdomains", "preload"))
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS and _hsts != "domain"
SECURE_HSTS_PRELOAD = HTTPS and _hsts == "preload"
# A browser takes such a name from this very host alone, so that no other host of the domain can set the cookie.
_cookie_prefix = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_cookie_prefix}sessionid"
CSRF_COOKIE_NAME = f"{_cookie_prefix}csrftoken"
DEVICE_COOKIE_NAME = f"{_cookie_prefix}device"
LANGUAGE_COOKIE_NAME = f"{_cookie_prefix}language"
KEPT_FORM_COOKIE_NAME = f"{_cookie_prefix}kept-form"
CURRENCY_COOKIE_NAME = f"{_cookie_prefix}currency"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
CSRF_COOKIE_SECURE = HTTPS
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}

# --- Celery: the rows are the queue, a message only rings the bell ----------------------------------------------------
CELERY_BROKER_URL = "memory://"
try:
    CELERY_BROKER_URL = celery_broker(REDIS_URL) if REDIS_URL else CELERY_BROKER_URL
except ValueError as problem:
    env.complain(f"REDIS_URL is invalid: {problem}")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
# One worker serves all three; a shop with many orders runs more workers, each with -Q and some of the names.
CELERY_TASK_QUEUES = [Queue("default"), Queue("forward"), Queue("follow")]
CELERY_TASK_ROUTES = {"orders.tasks.forward": {"queue": "forward"}, "orders.tasks.follow": {"queue": "follow"}}
CELERY_TASK_ROUTES["orders.tasks.resolve"] = {"queue": "follow"}
CELERY_TASK_ROUTES["orders.tasks.run_jobs"] = {"queue": "follow"}
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 0.5,
    "socket_timeout": 0.5,
    "max_retries": 0,
    "visibility_timeout": 300,
}
CELERY_WORKER_CONCURRENCY = WORKER_CONCURRENCY
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300000
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 45
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A task works for a minute, and two calls may be under way when that is over: reaching a limit is a bug.
CELERY_TASK_SOFT_TIME_LIMIT = 60 + 2 * max(FORWARD_DEADLINE_SECONDS, READ_DEADLINE_SECONDS)
CELERY_TASK_TIME_LIMIT = CELERY_TASK_SOFT_TIME_LIMIT + 30
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
# Kept in memory: two beats, or one that forgot, are harmless, because every task claims rows before it acts.
CELERY_BEAT_SCHEDULER = "core.broker:Timetable"
CELERY_BEAT_MAX_LOOP_INTERVAL = max(0.1, min(5.0, SWEEP_SECONDS))
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "storefront.tasks.sweep",
        "schedule": schedule(SWEEP_SECONDS),
    },
}

# --- Logs -------------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "json", ("json", "text"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "storefront.logs.JsonFormatter"},
        "text": {"()": "storefront.logs.TextFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": LOG_LEVEL, "propagate": False},
        "celery": {"level": LOG_LEVEL, "propagate": True},
        # A line for each doorbell would drown everything else; failures are still logged.
        "celery.beat": {"level": "WARNING", "propagate": True},
        "celery.worker.strategy": {"level": "WARNING", "propagate": True},
        "celery.app.trace": {"level": "WARNING", "propagate": True},
        "urllib3": {"level": "WARNING", "propagate": True},
        # Written whatever LOG_LEVEL is.
        "security": {"level": "INFO", "propagate": True},
    },
}

env.stop_if_wrong()

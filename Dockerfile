# Two stages: the first installs packages, the image contains only what runs.
FROM python:3.13.14-slim-trixie AS packages

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.lock /tmp/requirements.lock
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/requirements.lock

# Babel compiles the translations and stays behind.
WORKDIR /build
COPY requirements-build.lock /tmp/requirements-build.lock
RUN /opt/venv/bin/pip install --require-hashes --target /tmp/babel -r /tmp/requirements-build.lock
COPY tools/messages.py tools/messages.py
COPY locale locale
RUN PYTHONPATH=/tmp/babel /opt/venv/bin/python tools/messages.py compile


FROM python:3.13.14-slim-trixie

ENV PATH="/opt/venv/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATIC_ROOT=/srv/static

# Receipts as PDF: Pango draws them, and DejaVu has letters for most languages. The base image fixes the versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --system --uid 10001 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin shop

WORKDIR /srv/shop
COPY --from=packages /opt/venv /opt/venv
COPY manage.py gunicorn.conf.py ./
COPY core core
COPY notices notices
COPY upstream upstream
COPY pages pages
COPY accounts accounts
COPY catalog catalog
COPY billing billing
COPY orders orders
COPY api api
COPY support support
COPY storefront storefront
COPY templates templates
COPY static static
COPY --from=packages /build/locale locale

# collectstatic needs no database and stores no secret: these values exist only during this step.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')" ALLOWED_HOSTS=localhost DATABASE_URL=postgres://unused@unused/unused \
    REDIS_URL=redis://unused python manage.py collectstatic --noinput

USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-m", "storefront.probe", "http://127.0.0.1:8000/healthz"]
CMD ["gunicorn", "storefront.wsgi", "--bind", "0.0.0.0:8000", "--worker-tmp-dir", "/dev/shm"]

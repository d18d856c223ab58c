# The image of the service. It does not run as root, and contains only Python, the wheel and the
# packages of requirements.lock, with all extras but `testing`. `make sbom` lists them.
#
#   docker build --tag dialtone .
#   docker run --read-only --volume dialtone:/srv/dialtone/var \
#       --publish 127.0.0.1:8000:8000 dialtone
#
# Data is in /srv/dialtone/var. Uploads can need temporary files in /tmp.
# Other commands are arguments: docker run --rm dialtone check-settings

# Any image with Python 3.11 and its venv module works.
ARG BASE=python:3.11.17-slim

FROM ${BASE} AS build
WORKDIR /build
RUN python3.11 -m venv /opt/dialtone
COPY requirements.lock ./
RUN /opt/dialtone/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --requirement requirements.lock
COPY . .
RUN /opt/dialtone/bin/pip wheel --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /opt/dialtone/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-index --find-links /wheel dialtone-server \
    && /opt/dialtone/bin/pip uninstall --yes setuptools pip

FROM ${BASE}
RUN install -d -o 10001 -g 10001 /srv/dialtone /srv/dialtone/var
COPY --from=build /opt/dialtone /opt/dialtone
ENV PATH=/opt/dialtone/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DIALTONE_BIND=0.0.0.0:8000
# Numeric, so that Kubernetes can verify that the user is not root.
USER 10001:10001
WORKDIR /srv/dialtone
# Both stay writable if the file system is read-only.
VOLUME /srv/dialtone/var /tmp
EXPOSE 8000
# Checks that the process responds. Use /health/ready to decide whether it gets requests.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD python -I -c "\
import http.client, os;\
port = os.environ['DIALTONE_BIND'].rpartition(':')[2];\
connection = http.client.HTTPConnection('127.0.0.1', int(port), timeout=4);\
connection.request('GET', '/health/live');\
raise SystemExit(connection.getresponse().status != 200)"
ENTRYPOINT ["dialtone"]
CMD ["run"]

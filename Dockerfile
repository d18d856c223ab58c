# The image of the service. It does not run as root, and contains only Python, the packages of the
# source, and the libraries of requirements.lock, which has those of all extras.
#
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) --tag dialtone .
#   docker run --read-only --volume dialtone:/srv/dialtone/var \
#       --publish 127.0.0.1:8000:8000 dialtone
#
# Data is in /srv/dialtone/var. Uploads can need temporary files in /tmp.
# Other commands are arguments: docker run --rm dialtone check-settings

# Any image with Python 3.11 and its venv module works.
ARG BASE=python:3.11.17-slim

FROM ${BASE} AS build
WORKDIR /opt/dialtone
RUN python3.11 -m venv .venv
COPY requirements.lock ./
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --requirement requirements.lock
COPY . .
# The user of the service writes no bytecode, and may read all files, whatever their modes are here.
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation --editable . \
    && .venv/bin/pip uninstall --yes setuptools pip \
    && .venv/bin/python -m compileall -q adapters application domain entrypoints \
    && chmod -R a+rX,go-w .
# Shown by `dialtone --version` and the log. An archive of the source has its commit without it.
ARG COMMIT
RUN if [ -n "${COMMIT}" ]; then echo "${COMMIT}" > entrypoints/parts/commit.txt; fi

FROM ${BASE}
RUN install -d -o 10001 -g 10001 /srv/dialtone /srv/dialtone/var
COPY --from=build /opt/dialtone /opt/dialtone
ENV PATH=/opt/dialtone/.venv/bin:$PATH \
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

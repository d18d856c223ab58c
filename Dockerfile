# The service as an image: not root, with nothing in it but Python and what requirements.lock names.
#
#   docker build --tag dialtone .
#   docker run --read-only --volume dialtone:/srv/dialtone/var \
#       --publish 127.0.0.1:8000:8000 dialtone
#
# What it keeps is under /srv/dialtone/var; what is on its way in may pass through /tmp.
# Other commands go behind the name: docker run --rm dialtone check-settings

# Any image with Python 3.11 and its venv module will do.
ARG BASE=python:3.11.17-slim

FROM ${BASE} AS build
WORKDIR /build
RUN python3.11 -m venv /opt/dialtone
COPY requirements.lock ./
RUN /opt/dialtone/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --requirement requirements.lock
COPY . .
RUN /opt/dialtone/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation . \
    && /opt/dialtone/bin/pip uninstall --yes setuptools pip

FROM ${BASE}
RUN install -d -o 10001 -g 10001 /srv/dialtone /srv/dialtone/var
COPY --from=build /opt/dialtone /opt/dialtone
ENV PATH=/opt/dialtone/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DIALTONE_BIND=0.0.0.0:8000
# A number, so that a cluster can see that it is not root's.
USER 10001:10001
WORKDIR /srv/dialtone
# Both can be written to where the rest is read-only.
VOLUME /srv/dialtone/var /tmp
EXPOSE 8000
# Whether the process lives; whether it should be sent requests is said at /health/ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD python -I -c "\
import http.client, os;\
port = os.environ['DIALTONE_BIND'].rpartition(':')[2];\
asked = http.client.HTTPConnection('127.0.0.1', int(port), timeout=4);\
asked.request('GET', '/health/live');\
raise SystemExit(asked.getresponse().status != 200)"
ENTRYPOINT ["dialtone"]
CMD ["run"]

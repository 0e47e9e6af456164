# syntax=docker/dockerfile:1
# The service in an image: two stages, a user without rights, one folder that is written to (/data).
#
#   docker build -t recsmith .
#   docker run -p 127.0.0.1:8000:8000 -v recsmith:/data -e RECSMITH_KEYS='[…]' recsmith /data/run
#
# EXTRAS=serve,postgres,report,neural takes torch along, for runs of neural models.
FROM python:3.12-slim AS build
ARG EXTRAS=serve,postgres,report
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY src src
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".[${EXTRAS}]"

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home recsmith && install -d -o recsmith /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 NUMBA_CACHE_DIR=/data/.numba
USER recsmith
VOLUME /data
EXPOSE 8000
# No curl in the image: Python asks.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
ENTRYPOINT ["recsmith", "serve", "--host", "0.0.0.0"]
CMD ["/data/run"]

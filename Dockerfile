# The service on a CPU, with its encoder inside: nothing is fetched when it starts.
ARG PYTHON_IMAGE=python:3.11.15-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# An index with the CPU build of torch; without one the image carries CUDA and is several GB larger.
ARG TORCH_INDEX_URL=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/closeloop
ENV PATH=/opt/closeloop/bin:$PATH
WORKDIR /src
COPY requirements.txt ./
RUN pip install --only-binary=:all: ${TORCH_INDEX_URL:+--extra-index-url "$TORCH_INDEX_URL"} --requirement requirements.txt
COPY pyproject.toml README.md ./
COPY models models
COPY training training
COPY service service
RUN pip install --no-deps --no-build-isolation . && pip check
# Outside /src, so that it is the installed package that runs.
WORKDIR /
RUN CLOSELOOP_MODEL_CACHE=/opt/models closeloop prepare

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --user-group --create-home closeloop && install -d -o closeloop -g closeloop /data
COPY --from=build /opt/closeloop /opt/closeloop
# The service's own: it takes a lock beside the encoder while it checks it.
COPY --from=build --chown=10001:10001 /opt/models /opt/models
ENV PATH=/opt/closeloop/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CLOSELOOP_AUTH=on \
    CLOSELOOP_DATA_DIR=/data \
    CLOSELOOP_LOG_FORMAT=json \
    CLOSELOOP_MODEL_CACHE=/opt/models
VOLUME /data
EXPOSE 8080
USER 10001:10001
WORKDIR /home/closeloop
# /readyz answers 503 until the database and the index answer; http.client uses no proxy.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["python", "-c", \
    "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 8080, timeout=4); c.request('GET', '/readyz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["closeloop"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]

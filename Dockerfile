# The core's image: `gateway serve` and the compiled flows. docs/deploy.md says what weighs what in it, and why.
# A base by digest: --build-arg PYTHON_IMAGE=docker.io/library/python@sha256:…
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/app/.venv
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src

# The locked packages first: they change seldom, so this layer is kept. Wheels only: no compiler can be asked for.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups --no-install-project --no-build

# What no call needs: Twilio's REST client (numbers are Functions' matter), and the libraries' own tests.
COPY deploy/trim.py deploy/trim.py
RUN python deploy/trim.py /app/.venv

COPY LICENSE README.md ./
COPY schemas schemas
COPY flows flows
COPY gateway gateway
RUN uv sync --locked --no-default-groups --no-editable --inexact \
 && python -m compileall -q -j 0 /app/.venv/lib

# What `gateway compile` wrote, the same file that Twilio Functions get. Here it is judged: a broken one is no image.
COPY twilio-functions/assets/flows.private.json /app/flows.json
RUN /app/.venv/bin/gateway validate /app/flows.json

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="The declarative telephony gateway" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --no-log-init --no-create-home --shell /usr/sbin/nologin gateway
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8080 FLOWS_DIR=/app/flows.json LOG_FORMAT=json
WORKDIR /app
USER 10001
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["gateway"]
CMD ["serve"]

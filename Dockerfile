# Two stages: what builds is not what runs.
FROM python:3.12.12-slim-bookworm AS build
# serve: answers and scores. train: trains as well, with MLflow and its pages.
ARG PARTS=serve
WORKDIR /src
COPY pyproject.toml README.md LICENSE regulars.py ./
COPY requirements ./requirements
COPY features ./features
COPY training ./training
COPY serving ./serving
RUN python -m venv /opt/regulars \
 && /opt/regulars/bin/pip install --no-cache-dir --require-hashes --requirement requirements/${PARTS}.txt \
 && /opt/regulars/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12.12-slim-bookworm
# LightGBM's threads need it; slim images leave it out.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin regulars \
 && install --directory --owner=10001 --group=10001 /shop
COPY --from=build /opt/regulars /opt/regulars
ENV PATH=/opt/regulars/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=true \
    MLFLOW_HTTP_REQUEST_MAX_RETRIES=1 \
    MLFLOW_HTTP_REQUEST_TIMEOUT=3
USER 10001:10001
# regulars.toml, the orders and data/ are mounted here.
WORKDIR /shop
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["regulars"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

# spir on a CPU:  docker build -t spir . && docker run -p 7860:7860 spir
# on NVIDIA GPUs: docker build -t spir --build-arg TORCH_INDEX= . && docker run --gpus all -p 7860:7860 spir
FROM python:3.12.11-slim-bookworm

RUN useradd --create-home --uid 1000 user
USER 1000
ENV HOME=/home/user \
    PATH=/home/user/.local/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/home/user/.cache/numba \
    U2NET_HOME=/home/user/.u2net \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_TEMP_DIR=/home/user/gradio
WORKDIR /home/user/app

COPY --chown=1000 requirements.txt constraints.txt ./
# PyPI's torch brings CUDA along; this index has it without, in a twentieth of the size.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# rembg compiles for about a minute at its first import: do it once, here.
RUN pip install --no-cache-dir --user -r requirements.txt -c constraints.txt \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
    && python -c "import rembg"

COPY --chown=1000 app.py README.md ./
COPY --chown=1000 assets assets
COPY --chown=1000 weights weights
COPY --chown=1000 spir spir
RUN rm -rf spir/data spir/train spir/evaluate

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py"]

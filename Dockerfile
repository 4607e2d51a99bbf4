# spir on a CPU:  docker build -t spir . && docker run -p 7860:7860 spir
# on NVIDIA GPUs: docker build -t spir --build-arg TORCH=cu126 . && docker run --gpus all -p 7860:7860 spir
FROM python:3.12.11-slim-bookworm

RUN useradd --create-home --uid 1000 user
USER user
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

COPY --chown=user requirements.txt constraints.txt ./
# cpu, or the CUDA of the driver: torch without CUDA is a twentieth of the size.
ARG TORCH=cpu
RUN pip install --no-cache-dir --user -r requirements.txt -c constraints.txt \
    --extra-index-url "https://download.pytorch.org/whl/${TORCH}"
# rembg compiles for about a minute at its first import: do it once, here.
RUN python -c "import rembg"

COPY --chown=user app.py README.md ./
COPY --chown=user assets assets
COPY --chown=user weights weights
COPY --chown=user spir spir
RUN rm -rf spir/data spir/train spir/evaluate

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py"]

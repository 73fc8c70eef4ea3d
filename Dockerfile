# One image for every process; the first argument chooses it (up, detector, observer, ...).
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install --no-save
COPY . .
RUN npx vite build src/console/web && npm prune --omit=dev

FROM node:24-bookworm-slim
# The live packet source reads tcpdump's output.
RUN apt-get update && apt-get install -y --no-install-recommends tcpdump && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/src src
COPY --from=build /app/sidecar sidecar
COPY --from=build /app/xds xds
COPY --from=build /app/certs certs
COPY --from=build /app/models models
COPY --from=build /app/deploy deploy
USER 65532:65532
ENTRYPOINT ["node", "src/main.ts"]
CMD ["up", "--data", "/var/lib/autoshield"]

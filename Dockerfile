# One image for every step: docker compose (see docker-compose.yml) gives each its command.
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
COPY agent/package.json agent/
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:20.20.2-bookworm-slim AS packages
WORKDIR /src
COPY package.json package-lock.json ./
COPY agent/package.json agent/
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:20.20.2-bookworm-slim
WORKDIR /opt/halfshake
COPY --from=packages /src/node_modules node_modules
COPY --from=build /src/dist dist
COPY package.json README.md LICENSE CHANGELOG.md ./
COPY bin bin
RUN ln -s /opt/halfshake/bin/halfshake /usr/local/bin/halfshake \
  && mkdir /var/lib/halfshake && chown node:node /var/lib/halfshake
ENV NODE_ENV=production HALFSHAKE_DATA_FOLDER=/var/lib/halfshake
VOLUME /var/lib/halfshake
USER node
ENTRYPOINT ["halfshake"]
CMD ["up"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s CMD ["halfshake", "ready"]

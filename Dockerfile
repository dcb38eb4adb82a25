FROM node:26-bookworm-slim AS install
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY drizzle ./drizzle
COPY src ./src
# The files that the gateway runs, made with a start of it. What made them stays out of the image, and so does the
# Node that npm installs beside it, since the image brings its own.
RUN node src/bundle/build.ts && rm -rf \
  node_modules/node-linux-* node_modules/esbuild node_modules/@esbuild node_modules/.bin/node node_modules/.bin/esbuild

FROM node:26-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=4000 \
    DATABASE_URL=file:/data/gateway.db
COPY --from=install /app/node_modules ./node_modules
COPY package.json ./
COPY drizzle ./drizzle
COPY src ./src
# The second for what Node compiles at the first start, so that later ones are quicker.
RUN mkdir /data && chown node:node /data node_modules/.cache/topup-gateway
USER node
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm: signals reach it, and it shuts down in order.
CMD ["node", "src/main.js"]

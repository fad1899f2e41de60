import type { FastifyInstance } from 'fastify';

const SWEEP_MILLISECONDS = 50;

/**
 * Makes closing quick: what is under way is answered, with `Connection: close`, and no connection is waited for that
 * has nothing under way. Node itself waits for those on which no request has come yet. From `draining` on everybody is
 * still served, each on a connection that is closed then: the next one leads to another replica.
 */
export function closeOrderly(instance: FastifyInstance, draining?: AbortSignal): void {
  const { server } = instance;
  let underWay = 0;
  let closing = false;
  // Whoever keeps a connection would keep asking here, whatever its balancer knows.
  draining?.addEventListener('abort', () => (closing = true));
  server.on('request', (_request, response) => {
    underWay++;
    response.once('close', () => underWay--);
  });
  instance.addHook('onSend', async (_request, reply) => {
    if (closing) void reply.header('connection', 'close');
  });
  instance.addHook('preClose', async () => {
    closing = true;
    const sweep = setInterval(() => {
      if (underWay === 0) server.closeAllConnections();
    }, SWEEP_MILLISECONDS);
    server.once('close', () => clearInterval(sweep));
    sweep.unref();
  });
}

import { S3Sink } from './adapters/s3/s3.sink.js';
import { SplunkSink } from './adapters/sinks/splunk.sink.js';
import { SyslogSink } from './adapters/sinks/syslog.sink.js';
import { WebhookSink } from './adapters/sinks/webhook.sink.js';
import type { Sink } from './app/ports/sink.js';
import type { SinkConfig } from './config/sinks.section.js';

/** The sink that the configuration describes. */
export function sinkOf(config: SinkConfig): Sink {
  switch (config.kind) {
    case 'webhook':
      return new WebhookSink(config);
    case 'splunk':
      return new SplunkSink(config);
    case 's3':
      return new S3Sink(config);
    case 'syslog':
      return new SyslogSink(config);
  }
}

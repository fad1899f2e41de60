import type { SlackLinkView } from '../../contract/slack-link.schema.js';
import type { SlackLink } from '../ports/slack.links.js';

/** A link, for its person. */
export function slackLinkView({ id, teamId, userId, name, linkedAt }: SlackLink): SlackLinkView {
  return { id, team: teamId, user: userId, name, linkedAt: linkedAt.toISOString() };
}

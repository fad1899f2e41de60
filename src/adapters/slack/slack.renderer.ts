import { PostRenderer } from '../../app/ports/post.renderer.js';
import type { SlackStory } from '../../app/ports/post.renderer.js';
import type { SlackContent } from '../../app/ports/slack.api.js';
import type { PostKey, PostKind } from '../../app/ports/slack.posts.js';
import { requestContent, wordContent } from './request.blocks.js';
import { cardContent, stepContent } from './requester.blocks.js';
import { section } from './slack.blocks.js';
import { alarmContent, securityContent } from './security.blocks.js';

type Render = (post: PostKey, story: SlackStory, pageUrl: string) => SlackContent;

const RENDERERS: Readonly<Record<PostKind, Render>> = {
  request: (_, story, url) => requestContent(story, url),
  word: ({ about }, { decisions }) => {
    const said = decisions.find(({ id }) => id === about);
    if (!said) throw new Error(`there is no decision ${about}`);
    return wordContent(said);
  },
  card: (_, story, url) => cardContent(story, url),
  step: ({ about }, story) => stepContent(about, story),
  security: (_, story, url) => securityContent(story, url),
  alarm: ({ about }) => alarmContent(about),
};

/** Messages as Block Kit. */
export class SlackRenderer extends PostRenderer {
  /** @param publicUrl where people reach the broker, without a `/` at its end. */
  constructor(private readonly publicUrl: string) {
    super();
  }

  render(post: PostKey, story: SlackStory): SlackContent {
    const page = `${this.publicUrl}/sessions/${story.session.id}`;
    return RENDERERS[post.kind](post, story, page);
  }

  parted(): SlackContent {
    const text = 'This Slack account is not asked, nor told, of this session any more.';
    return { text, blocks: [section(text)] };
  }
}

import { z } from 'zod';

export const PersonView = z
  .strictObject({
    sub: z.string(),
    name: z.string().exactOptional(),
    email: z.string().exactOptional(),
  })
  .meta({ id: 'Person' });

import { z } from 'zod';
import { ROLES } from '../domain/permission.js';
import { instant } from './text.schema.js';

export const Me = z
  .strictObject({
    person: z.strictObject({
      iss: z.string(),
      sub: z.string(),
      name: z.string().exactOptional(),
      email: z.string().exactOptional(),
      groups: z.array(z.string()),
    }),
    roles: z.array(z.enum(ROLES)),
    permissions: z.array(z.string()),
    signedInUntil: instant().meta({ description: 'When the access token expires.' }),
  })
  .meta({ id: 'Me', description: 'The caller, as Hallpass knows them.' });
export type Me = z.infer<typeof Me>;

-- Sessions from before the policy language: their grants and requests in today's shape, so that they can be read and
-- ended like any other. What nobody could ask for or be granted then is left out: it was not there to be had.
UPDATE "sessions" SET "request" = "request" || '{"breakGlass": false}' WHERE NOT "request" ? 'breakGlass';

UPDATE "sessions" SET "grant" = "grant" || jsonb_build_object(
  'breakGlass', FALSE,
  'terms', jsonb_build_object(
    'longestSeconds', "grant"->'terms'->'longestSeconds',
    'approvals', jsonb_build_object(
      'require', CASE
        WHEN jsonb_array_length("grant"->'terms'->'approvals'->'groups') = 0 THEN '[]'::jsonb
        ELSE jsonb_build_array("grant"->'terms'->'approvals' || '{"users": []}')
      END,
      'commentRequired', FALSE,
      'escalation', NULL
    ),
    'reason', jsonb_build_object('required', "grant"->'terms'->'reasonRequired', 'pattern', NULL),
    'ticket', jsonb_build_object('required', "grant"->'terms'->'ticketRequired', 'pattern', NULL),
    'recording', 'strict',
    'ways', '["console", "cli", "kubectl"]'::jsonb,
    'fileCopies', 'none',
    'portForward', FALSE,
    'concurrent', '{"perPerson": null, "perPod": null}'::jsonb,
    'extension', NULL,
    'idleSeconds', NULL,
    'onOverrun', "grant"->'terms'->'onOverrun',
    'onAccessRemoved', 'keep',
    'breakGlass', NULL
  )
) WHERE "grant"->'terms' ? 'reasonRequired';

UPDATE "sessions" SET "approver_users" = '{}' WHERE "approver_users" IS NULL;

/**
 * ESLint rule: a class that a decorated class takes in its constructor must be imported plainly. `import type` leaves
 * nothing at run time for the injection to go by: Nest fails at boot, or injects undefined.
 *
 * @type {import('eslint').Rule.RuleModule}
 */
export const injectedImport = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      typeOnly:
        "'{{name}}' is injected here but imported by `import type`, which leaves nothing to inject. Import it plainly.",
    },
  },
  create(context) {
    /** Names that are imported as types only. */
    const typeOnly = new Set();
    return {
      ImportDeclaration(node) {
        for (const specifier of node.specifiers) {
          if (node.importKind === 'type' || specifier.importKind === 'type') {
            typeOnly.add(specifier.local.name);
          }
        }
      },
      'ClassDeclaration:exit'(node) {
        if ((node.decorators ?? []).length === 0) return;
        const maker = node.body.body.find((member) => member.kind === 'constructor');
        for (const parameter of maker?.value.params ?? []) {
          // An explicit token, `@Inject(TOKEN)`, needs no class.
          if ((parameter.decorators ?? []).length > 0) continue;
          const named = parameter.type === 'TSParameterProperty' ? parameter.parameter : parameter;
          const type = named.typeAnnotation?.typeAnnotation;
          const name = type?.type === 'TSTypeReference' ? type.typeName.name : undefined;
          if (name !== undefined && typeOnly.has(name)) {
            context.report({ node: type, messageId: 'typeOnly', data: { name } });
          }
        }
      },
    };
  },
};

import { Controller, Get } from '@nestjs/common';
import { SignInView } from '../../contract/sign-in.schema.js';
import { Public } from './access.decorators.js';
import { HttpSettings } from './http.settings.js';
import { Operation } from './operation.decorator.js';

/** Where clients that have no token get one. */
@Controller('v1/sign-in')
export class SignInController {
  constructor(private readonly settings: HttpSettings) {}

  @Get()
  @Public()
  @Operation({
    id: 'readSignIn',
    tag: 'catalog',
    summary: 'Where a client signs its person in',
    description: 'For everybody, signed in or not. Empty where no client is configured.',
    status: 200,
    answers: SignInView,
    public: true,
    problems: [],
  })
  read(): SignInView {
    const { signIn } = this.settings;
    return { issuers: signIn.map((issuer) => ({ ...issuer, scopes: [...issuer.scopes] })) };
  }
}

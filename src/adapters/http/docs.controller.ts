import { Controller, Get } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { invariant } from '../../domain/problem.js';
import { Public } from './access.decorators.js';

/** The description of the API, once the application that it describes is put together. */
export class ApiDescription {
  private made: OpenAPIObject | undefined;

  set(document: OpenAPIObject): void {
    this.made = document;
  }

  get(): OpenAPIObject {
    return invariant(this.made, 'the description of the API is not made yet');
  }
}

@Controller()
@ApiExcludeController()
export class DocsController {
  constructor(private readonly description: ApiDescription) {}

  @Get('openapi.json')
  @Public()
  openapi(): OpenAPIObject {
    return this.description.get();
  }
}

import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import type { Caller } from '../../app/caller.js';
import { SimulatePolicy } from '../../app/simulate-policy.js';
import { simulationView } from '../../app/views/simulation.view.js';
import {
  DRAFT_BODY_BYTES_MAX,
  NewSimulation,
  Simulation,
} from '../../contract/simulation.schema.js';
import { Allow } from './access.decorators.js';
import { BodyBytesMax } from './body.limit.js';
import { CurrentCaller } from './caller.decorator.js';
import { Operation } from './operation.decorator.js';
import { orRefuse } from './refused.error.js';

/** What policy would say, without asking for anything. */
@Controller('v1/policies/simulate')
export class SimulationController {
  constructor(private readonly simulating: SimulatePolicy) {}

  @Post()
  @HttpCode(200)
  @BodyBytesMax(DRAFT_BODY_BYTES_MAX)
  @Allow('policy:simulate')
  @Operation({
    id: 'simulatePolicy',
    tag: 'catalog',
    summary: 'What policy would say, and why',
    description:
      'By the facts in the body alone: neither clusters nor on-call sources are asked, and nothing comes of it. ' +
      'Anybody else than oneself, drafts, and what each rule says need the permission `policy:read`. ' +
      'The body, drafts and all, may have 1 MiB; for larger sets there is `hallpass policy`.',
    status: 200,
    answers: Simulation,
    problems: ['unsupported-media-type', 'invalid-fields'],
  })
  async simulate(
    @CurrentCaller() caller: Caller,
    @Body({ schema: NewSimulation }) body: NewSimulation,
  ): Promise<Simulation> {
    return simulationView(orRefuse(await this.simulating.simulate(caller, body)));
  }
}

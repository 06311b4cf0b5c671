// Judges requests by policies: JSON on stdin, one line of true (allowed) or false a request on stdout.
// In: {"policies": [document, ...], "requests": [{principal, action, resource, account, context, identity, byResource}]},
// where `identity` holds numbers of policies and `byResource` one such number or null.
import { runSimulation } from '@cloud-copilot/iam-simulate'

let text = ''
for await (const chunk of process.stdin) text += chunk
const { policies, requests } = JSON.parse(text)
for (const request of requests) {
  const found = await runSimulation(
    {
      request: {
        principal: request.principal,
        action: request.action,
        resource: { resource: request.resource, accountId: request.account },
        contextVariables: request.context,
      },
      identityPolicies: request.identity.map((number) => ({ name: `${number}`, policy: policies[number] })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: request.byResource === null ? undefined : policies[request.byResource],
    },
    {},
  )
  if (found.resultType === 'error') {
    process.stderr.write(`${JSON.stringify(request)}: ${JSON.stringify(found.errors)}\n`)
    process.exit(1)
  }
  process.stdout.write(`${found.overallResult === 'Allowed'}\n`)
}

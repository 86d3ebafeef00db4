// One identity for the function app, one for all runners.
param location string
param tags object
param token string

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-app-${token}'
  location: location
  tags: tags
  properties: {}
}

resource runner 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-runner-${token}'
  location: location
  tags: tags
  properties: {}
}

output appId string = app.id
output appClientId string = app.properties.clientId
output appPrincipalId string = app.properties.principalId
output runnerId string = runner.id
output runnerClientId string = runner.properties.clientId
output runnerPrincipalId string = runner.properties.principalId

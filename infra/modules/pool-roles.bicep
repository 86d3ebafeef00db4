// The app lists the VMs of its pools. In a Flexible set they are resources of the group, not of the set.
param appPrincipalId string

var reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7'

resource appReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, appPrincipalId, reader)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', reader)
  }
}

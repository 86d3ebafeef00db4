// What the app and the runners may do in the state's account. docs/reference/roles.md says what each is for.
param accountName string
param appPrincipalId string
param runnerPrincipalId string
@description('Further containers of this account that runners write: the data, where it has no account of its own.')
param runnerContainers array
param deployerPrincipalId string
param deployerPrincipalType string

var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var blobDataReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'

var onAccount = [
  { who: appPrincipalId, role: blobDataOwner }
  { who: appPrincipalId, role: queueDataContributor }
  { who: appPrincipalId, role: tableDataContributor }
  { who: runnerPrincipalId, role: queueDataContributor }
  { who: runnerPrincipalId, role: tableDataContributor }
]
// Not on the account: who may write `packages` or `app-package` decides what runs everywhere.
var written = concat(['jobs', 'accepted'], runnerContainers)

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: account
  name: 'default'
}

resource writtenContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = [
  for name in written: {
    parent: blobs
    name: name
  }
]

resource packages 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: blobs
  name: 'packages'
}

resource accountRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for given in onAccount: {
    name: guid(account.id, given.who, given.role)
    scope: account
    properties: {
      principalId: given.who
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', given.role)
    }
  }
]

resource runnerWrites 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, index) in written: {
    name: guid(account.id, name, runnerPrincipalId, blobDataContributor)
    scope: writtenContainer[index]
    properties: {
      principalId: runnerPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
    }
  }
]

resource runnerFetches 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(packages.id, runnerPrincipalId, blobDataReader)
  scope: packages
  properties: {
    principalId: runnerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataReader)
  }
}

resource deployerDrops 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerPrincipalId)) {
  name: guid(account.id, deployerPrincipalId, blobDataContributor)
  scope: account
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}

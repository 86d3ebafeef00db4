// What the app and the runners may do with data and outputs. Shares are made here, by the deployment: making one is a
// right over the account that none of the roles for files has, and nobody needs it while jobs run.
param accountName string
param isStateAccount bool
param appRemovesFiles bool
param appPrincipalId string
param runnerPrincipalId string
param deployerPrincipalId string
param deployerPrincipalType string

var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var filePrivilegedContributor = '69566ab7-960f-475b-8e7c-b3118f30c6bd'
var filePrivilegedReader = 'b8eda974-7b85-4f76-af95-65846b26df6d'
var fileDelegator = '765a04e0-5de8-4bb2-9bf6-b2a30bc03e91'

var files = [
  { who: appPrincipalId, role: filePrivilegedReader }
  { who: appPrincipalId, role: fileDelegator }
  { who: runnerPrincipalId, role: filePrivilegedContributor }
]
// Not in the state's account: the app has more there already, and the runners have single containers (state-roles.bicep).
var blobs = [
  { who: appPrincipalId, role: blobDataContributor }
  { who: runnerPrincipalId, role: blobDataContributor }
]
var given = isStateAccount ? files : concat(files, blobs)

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

resource dataRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in given: {
    name: guid(account.id, one.who, one.role)
    scope: account
    properties: {
      principalId: one.who
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', one.role)
    }
  }
]

resource appRemoves 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (appRemovesFiles) {
  name: guid(account.id, appPrincipalId, filePrivilegedContributor)
  scope: account
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', filePrivilegedContributor)
  }
}

resource deployerReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerPrincipalId)) {
  name: guid(account.id, deployerPrincipalId, filePrivilegedReader)
  scope: account
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', filePrivilegedReader)
  }
}

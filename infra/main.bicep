// The whole installation: one resource group, which `azd down` removes. Every account is opened by identity only.
targetScope = 'subscription'

@description('Name of the environment; it is part of the names and tags of everything.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Region. It must have Flex Consumption and the VM sizes of the pools.')
@minLength(1)
param location string

@description('Who deploys: may drop jobs, publish the runners\' package and read outputs. Empty: nobody.')
param principalId string = ''

@description('What principalId is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param principalType string = 'User'

@description('Pools of VMs: name (1-9 letters and digits), cluster (workspace/cluster), vmSize, vmPriority (dedicated or lowpriority, which is Spot), capacity (VMs at the beginning; later the app decides).')
param pools array = [
  {
    name: 'gpu'
    cluster: 'default/default'
    vmSize: 'Standard_NC4as_T4_v3'
    vmPriority: 'lowpriority'
    capacity: 0
  }
]

@description('Names of the pools that are there, separated by blanks: their VMs are left as they are. `azd` keeps it.')
param deployedPools string = ''

@description('Most VMs of a cluster whose cluster.json has no scaleSettings. 0: none are started for it.')
@minValue(0)
@maxValue(100)
param defaultMostNodes int = 1

@description('Whether the data (containers and shares that jobs mount) has an account of its own.')
param separateDataAccount bool = false

@description('Containers for data, beside that of auto storage.')
param dataContainers array = ['data']

@description('Shares for data and outputs, beside that of auto storage.')
param dataShares array = ['logs']

@description('How keys are asked for over HTTP: function, admin, or anonymous (only behind App Service Authentication).')
@allowed(['function', 'admin', 'anonymous'])
param httpAuth string = 'function'

@description('Whether app roles of Entra tokens are looked at: entra only behind App Service Authentication.')
@allowed(['off', 'entra'])
param httpRoles string = 'off'

@description('Webhook or Event Grid topic that changes of jobs are announced to. Empty: nobody.')
@secure()
param eventsUrl string = ''

@description('What requests to the webhook are signed with (whsec_...), or a Key Vault reference to it; of a topic its key.')
@secure()
param eventsSecret string = ''

@description('When the sweeper runs: cron expression of six fields.')
param sweepSchedule string = '0 * * * * *'

@description('Most instances of the function app at once.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Memory of an instance of the function app, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Days that logs are kept.')
@minValue(30)
param logRetentionDays int = 30

@description('Days in which deleted and overwritten blobs, and deleted shares, can be brought back.')
@minValue(1)
@maxValue(365)
param backupDays int = 14

@description('Days that an ended job is kept: row, history, documents. 0: for ever.')
@minValue(0)
param keepDays int = 0

@description('Days after its end that what a job wrote into its own folders is kept. 0: for ever, and the app may not write to shares.')
@minValue(0)
param keepOutputDays int = 0

@description('What sends traces and metrics of the app and of runners. Empty: they are not sent.')
@allowed(['', 'azure_monitor_opentelemetry_exporter'])
param telemetryExporter string = ''

@description('Public key for ssh to the VMs. Empty: a password that only the vault knows. No port is open to the internet.')
param sshPublicKey string = ''

@description('First address space of the runners\' network.')
param addressPrefix string = '10.86.0.0/16'

var poolNames = [for pool in pools: pool.name]
var tags = { 'azd-env-name': environmentName }
@description('Who gets mail of alerts; empty: they are shown in the portal only.')
param alertMailTo string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))
var stateName = 'bai${token}'
var dataName = separateDataAccount ? 'baidata${token}' : stateName
var vaultName = 'bai-${token}'

// What the code needs to find; tests/unit/test_infra.py holds these against it.
var stateContainers = ['jobs', 'clusters', 'accepted', 'packages', 'app-package']
var stateTables = ['jobs', 'clusters', 'nodes', 'gangs', 'workspaces', 'scaling']
var stateQueues = ['drops', 'drops-poison']
var autoContainers = concat(['batchaicontainer'], dataContainers)
var autoShares = concat(['batchaishare'], dataShares)
// No document may mount these: who writes there decides what runners and the app run.
var reservedNames = 'packages app-package azure-webjobs-hosts azure-webjobs-secrets'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
  properties: {}
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    retentionDays: logRetentionDays
  }
}

module identities 'modules/identities.bicep' = {
  name: 'identities'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
  }
}

module state 'modules/account.bicep' = {
  name: 'state'
  scope: group
  params: {
    location: location
    tags: tags
    accountName: stateName
    containers: separateDataAccount ? stateContainers : concat(stateContainers, autoContainers)
    tables: stateTables
    queues: stateQueues
    shares: separateDataAccount ? [] : autoShares
    backupDays: backupDays
  }
}

module data 'modules/account.bicep' = if (separateDataAccount) {
  name: 'data'
  scope: group
  params: {
    location: location
    tags: tags
    accountName: 'baidata${token}'
    containers: autoContainers
    tables: []
    queues: []
    shares: autoShares
    backupDays: backupDays
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    location: location
    tags: tags
    vaultName: vaultName
    readers: [identities.outputs.appPrincipalId, identities.outputs.runnerPrincipalId]
  }
}

module stateRoles 'modules/state-roles.bicep' = {
  name: 'state-roles'
  scope: group
  params: {
    accountName: state.outputs.accountName
    appPrincipalId: identities.outputs.appPrincipalId
    runnerPrincipalId: identities.outputs.runnerPrincipalId
    runnerContainers: separateDataAccount ? [] : autoContainers
    deployerPrincipalId: principalId
    deployerPrincipalType: principalType
  }
}

module dataRoles 'modules/data-roles.bicep' = {
  name: 'data-roles'
  scope: group
  dependsOn: [data]
  params: {
    accountName: separateDataAccount ? dataName : state.outputs.accountName
    isStateAccount: !separateDataAccount
    appRemovesFiles: keepOutputDays > 0
    appPrincipalId: identities.outputs.appPrincipalId
    runnerPrincipalId: identities.outputs.runnerPrincipalId
    deployerPrincipalId: principalId
    deployerPrincipalType: principalType
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    componentName: monitoring.outputs.componentName
    mailTo: alertMailTo
  }
}

module monitoringRoles 'modules/monitoring-roles.bicep' = {
  name: 'monitoring-roles'
  scope: group
  params: {
    componentName: monitoring.outputs.componentName
    publishers: [identities.outputs.appPrincipalId, identities.outputs.runnerPrincipalId]
  }
}

module drops 'modules/drops.bicep' = {
  name: 'drops'
  scope: group
  params: {
    location: location
    tags: tags
    accountName: state.outputs.accountName
    queueName: 'drops'
    token: token
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  dependsOn: [stateRoles, dataRoles]
  params: {
    location: location
    tags: tags
    appName: 'bai-${token}'
    accountName: state.outputs.accountName
    dataAccountName: dataName
    packageContainer: 'app-package'
    identityId: identities.outputs.appId
    identityClientId: identities.outputs.appClientId
    sealingKeysUrl: vault.outputs.sealingKeysUrl
    insightsConnectionString: monitoring.outputs.connectionString
    httpAuth: httpAuth
    httpRoles: httpRoles
    eventsUrl: eventsUrl
    eventsSecret: eventsSecret
    sweepSchedule: sweepSchedule
    reservedNames: reservedNames
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    defaultMostNodes: defaultMostNodes
    keepDays: keepDays
    keepOutputDays: keepOutputDays
    telemetryExporter: telemetryExporter
  }
}

module poolRoles 'modules/pool-roles.bicep' = {
  name: 'pool-roles'
  scope: group
  params: {
    appPrincipalId: identities.outputs.appPrincipalId
  }
}

module network 'modules/network.bicep' = {
  name: 'network'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    addressPrefix: addressPrefix
  }
}

resource madeVault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName
  scope: group
}

module runners 'modules/pool.bicep' = [
  for pool in pools: {
    name: 'pool-${pool.name}'
    scope: group
    dependsOn: [vault, stateRoles, dataRoles]
    params: {
      location: location
      tags: tags
      token: token
      pool: pool
      subnetId: network.outputs.subnetId
      identityId: identities.outputs.runnerId
      identityClientId: identities.outputs.runnerClientId
      accountName: state.outputs.accountName
      dataAccountName: dataName
      sealingKeysUrl: vault.outputs.sealingKeysUrl
      insightsConnectionString: monitoring.outputs.connectionString
      reservedNames: reservedNames
      keepOutputDays: keepOutputDays
      telemetryExporter: telemetryExporter
      sshPublicKey: sshPublicKey
      isDeployed: contains(split(deployedPools, ' '), pool.name)
      appPrincipalId: identities.outputs.appPrincipalId
      adminPassword: madeVault.getSecret('runner-password')
    }
  }
]

output BATCHAI_POOLS string = join(poolNames, ' ')
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP string = app.outputs.appName
output AZURE_BATCHAI_STORAGE_ACCOUNT string = dataName
output BATCHAI_URL string = app.outputs.url
output BATCHAI_STATE_ACCOUNT string = state.outputs.accountName
// The next three commands; scripts/publish-runner shows them at the end of `azd up`.
output BATCHAI_NEXT_1 string = 'az storage blob upload --auth-mode login --account-name ${state.outputs.accountName} -c clusters -n default/cluster.json -f examples/hello/cluster.json'
output BATCHAI_NEXT_2 string = 'az storage blob upload --auth-mode login --account-name ${state.outputs.accountName} -c jobs -n hello/job.json -f examples/hello/job.json'
output BATCHAI_NEXT_3 string = 'az storage blob download --auth-mode login --account-name ${state.outputs.accountName} -c jobs -n hello/status.json -f /dev/stdout'

// The function app, on Flex Consumption: nothing runs, and nothing is paid for, while nothing happens.
param location string
param tags object
param appName string
param accountName string
param dataAccountName string
param packageContainer string
param identityId string
param identityClientId string
param sealingKeysUrl string
param insightsConnectionString string
param httpAuth string
param httpRoles string
@secure()
param eventsUrl string
@secure()
param eventsSecret string
param sweepSchedule string
param reservedNames string
param maximumInstanceCount int
param instanceMemoryMB int
param defaultMostNodes int
param keepDays int
param keepOutputDays int
param telemetryExporter string

// What an operator decides and a deployment must not undo: BATCHAI_LIMITS and BATCHAI_NODE_PRICES.
var operator = loadJsonContent('../operator.json')

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${appName}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: appName
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${account.properties.primaryEndpoints.blob}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    // GET / is the console's.
    AzureWebJobsDisableHomepage: 'true'
    AzureWebJobsStorage__accountName: accountName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    PYTHON_THREADPOOL_THREAD_COUNT: '8'
    BATCHAI_STORAGE__accountName: accountName
    BATCHAI_STORAGE__blobServiceUri: account.properties.primaryEndpoints.blob
    BATCHAI_STORAGE__fileServiceUri: account.properties.primaryEndpoints.file
    BATCHAI_STORAGE__queueServiceUri: account.properties.primaryEndpoints.queue
    BATCHAI_STORAGE__tableServiceUri: account.properties.primaryEndpoints.table
    BATCHAI_STORAGE__credential: 'managedidentity'
    BATCHAI_STORAGE__clientId: identityClientId
    BATCHAI_SEALING_KEYS: '@Microsoft.KeyVault(SecretUri=${sealingKeysUrl})'
    BATCHAI_BLOB_SOURCE: 'Queue'
    BATCHAI_SWEEP_SCHEDULE: sweepSchedule
    BATCHAI_HTTP_AUTH: httpAuth
    BATCHAI_HTTP_ROLES: httpRoles
    BATCHAI_EVENTS_URL: eventsUrl
    BATCHAI_EVENTS_SECRET: eventsSecret
    BATCHAI_SUBSCRIPTION_ID: subscription().subscriptionId
    BATCHAI_RESOURCE_GROUP: resourceGroup().name
    BATCHAI_LOCATION: location
    BATCHAI_ARM_ENDPOINT: environment().resourceManager
    BATCHAI_ARM_RESOURCE_GROUP: resourceGroup().name
    BATCHAI_DEFAULT_MOST_NODES: string(defaultMostNodes)
    BATCHAI_KEEP_DAYS: string(keepDays)
    BATCHAI_KEEP_OUTPUT_DAYS: string(keepOutputDays)
    BATCHAI_LIMITS: empty(operator.limits) ? '' : string(operator.limits)
    BATCHAI_NODE_PRICES: empty(operator.nodePrices) ? '' : string(operator.nodePrices)
    OTEL_TRACES_EXPORTER: telemetryExporter
    OTEL_METRICS_EXPORTER: telemetryExporter
    BATCHAI_RESERVED_NAMES: reservedNames
    AZURE_BATCHAI_STORAGE_ACCOUNT: dataAccountName
  }
}

output appName string = app.name
output url string = 'https://${app.properties.defaultHostName}'
